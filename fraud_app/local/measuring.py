"""Latency and throughput from produce to the message read back, for any worker between two topics.

Open loop: each transaction has the moment at which it is due, and its latency counts from that moment, sent late or not, so that
a stall is not hidden by the load generator's waiting (coordinated omission; Tene, 2013).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from hdrh.histogram import HdrHistogram

from ml.simulator import Population, simulate

WARM_UP_S = 5.0
USERS = 20_000
DRAIN_S = 60.0


@dataclass
class Measured:
    """Latencies in milliseconds."""

    contender: str
    rate: float
    count: int
    p50: float
    p95: float
    p99: float
    p999: float
    worst: float
    achieved: float
    """Decisions a second while they came."""


class Reader:
    """Reads a topic back and remembers when each id came."""

    def __init__(self, brokers: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=brokers, auto_offset_reset="latest", enable_auto_commit=False, fetch_max_wait_ms=10
        )
        self.came: dict[str, float] = {}

    async def run(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                now = time.perf_counter()
                for record in records:
                    self.came.setdefault(dict(record.headers)["ce_id"].decode(), now)

    async def start(self) -> asyncio.Task[None]:
        await self._consumer.start()
        await self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            await self._consumer.position(partition)
        return asyncio.create_task(self.run())

    async def stop(self) -> None:
        await self._consumer.stop()


def transactions(count: int, seed: int) -> list[dict[str, Any]]:
    population = Population(seed, USERS)
    return [one.transaction for one in simulate(population, datetime.now(UTC), 1, count=count, seed=seed)]


async def latency(
    brokers: str, contender: str, into: str, out: str, rate: float, seconds: float, seed: int
) -> Measured:
    """Send at a fixed rate and measure from the due moment to the decision read back."""
    count = int(rate * (seconds + WARM_UP_S))
    made = transactions(count, seed)
    reader = Reader(brokers, out)
    reading = await reader.start()
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await producer.start()
    due: dict[str, float] = {}
    started = time.perf_counter() + 0.1
    pending: set[Any] = set()
    try:
        for number, one in enumerate(made):
            moment = started + number / rate
            wait = moment - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            due[one["transaction_id"]] = moment
            future = await producer.send(
                into,
                orjson.dumps(one),
                key=one["user_id"].encode(),
                headers=[("ce_id", one["transaction_id"].encode())],
            )
            pending.add(future)
            future.add_done_callback(pending.discard)
        await producer.flush()
        deadline = time.perf_counter() + DRAIN_S
        while len(reader.came) < count and time.perf_counter() < deadline:  # noqa: ASYNC110 - filled by another task
            await asyncio.sleep(0.05)
    finally:
        await producer.stop()
        reading.cancel()
        await reader.stop()
    lost = count - len(reader.came)
    if lost:
        raise SystemExit(f"{contender} at {rate:g}/s: {lost} of {count} decisions never came")
    counted = [identity for identity, moment in due.items() if moment >= started + WARM_UP_S]
    histogram = HdrHistogram(1, 60_000_000, 3)
    for identity in counted:
        histogram.record_value(max(1, round((reader.came[identity] - due[identity]) * 1e6)))
    first, last = min(reader.came[one] for one in counted), max(reader.came[one] for one in counted)

    def at(percent: float) -> float:
        return float(histogram.get_value_at_percentile(percent)) / 1000

    return Measured(
        contender,
        rate,
        len(counted),
        at(50),
        at(95),
        at(99),
        at(99.9),
        at(100),
        (len(counted) - 1) / max(last - first, 1e-9),
    )


async def backlog(brokers: str, into: str, out: str, count: int, seed: int, start: Callable[[], None]) -> float:
    """Decisions a second of one worker that finds everything waiting already."""
    made = transactions(count, seed)
    reader = Reader(brokers, out)
    reading = await reader.start()
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=5)
    await producer.start()
    sends = [
        await producer.send(
            into, orjson.dumps(one), key=one["user_id"].encode(), headers=[("ce_id", one["transaction_id"].encode())]
        )
        for one in made
    ]
    await asyncio.gather(*sends)
    await producer.stop()
    start()
    deadline = time.perf_counter() + 180
    while len(reader.came) < count and time.perf_counter() < deadline:  # noqa: ASYNC110 - filled by another task
        await asyncio.sleep(0.1)
    reading.cancel()
    await reader.stop()
    moments = sorted(reader.came.values())
    if len(moments) < count:
        raise SystemExit(f"{count - len(moments)} of a backlog of {count} never came")
    tenth = count // 10  # the first and last tenth are start-up and the tail of a partition
    return (count - 2 * tenth) / (moments[-tenth] - moments[tenth])
