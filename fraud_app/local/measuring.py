"""Latency and throughput from produce to the message read back, for any worker between two topics.

Open loop: each transaction has the moment at which it is due, and its latency counts from that moment, sent late or not, so that
a stall is not hidden by the load generator's waiting (coordinated omission; Tene, 2013).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from hdrh.histogram import HdrHistogram

from ml.simulator import Population, simulate

WARM_UP_S = 5.0
USERS, SEED = 20_000, 4
FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
DRAIN_S = 180.0
HTTP_RUN = 2000


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
    sent: int
    cpu_s_per_1000: float = 0.0
    """CPU-seconds of the contender's own processes a thousand transactions."""


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


def transactions(count: int, run: int) -> list[dict[str, Any]]:
    """The transactions of the run with this number: the same for every contender, a day after those of the run before."""
    start = FIRST_DAY + timedelta(days=run)
    return [one.transaction for one in simulate(Population(SEED, USERS), start, 1, count=count, seed=SEED + run)]


async def latency(brokers: str, contender: str, into: str, out: str, rate: float, seconds: float, run: int) -> Measured:
    """Send at a fixed rate and measure from the due moment to the decision read back."""
    count = int(rate * (seconds + WARM_UP_S))
    made = transactions(count, run)
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
    return _measured(contender, rate, count, [reader.came[one] - due[one] for one in counted])


async def http_latency(contender: str, address: str, rate: float, seconds: float) -> Measured:
    """Post at a fixed rate, for the first two seconds unmeasured; latency from the due moment to the answer's last byte."""
    count, unmeasured = int(rate * (seconds + 2)), int(rate * 2)
    bodies = [orjson.dumps(one) for one in transactions(count, HTTP_RUN)]
    taken: list[float] = []

    async def post(session: aiohttp.ClientSession, body: bytes, moment: float) -> float:
        async with session.post(address, data=body, headers={"Content-Type": "application/json"}) as answer:
            await answer.read()
            answer.raise_for_status()
        return time.perf_counter() - moment

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        started = time.perf_counter() + 0.1
        asked = []
        for number, body in enumerate(bodies):
            moment = started + number / rate
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            asked.append(asyncio.ensure_future(post(session, body, moment)))
        taken = await asyncio.gather(*asked)
    return _measured(contender, rate, count, taken[unmeasured:])


def _measured(contender: str, rate: float, sent: int, seconds: list[float]) -> Measured:
    histogram = HdrHistogram(1, 600_000_000, 3)
    for one in seconds:
        histogram.record_value(max(1, round(one * 1e6)))

    def at(percent: float) -> float:
        return float(histogram.get_value_at_percentile(percent)) / 1000

    return Measured(contender, rate, len(seconds), at(50), at(95), at(99), at(99.9), at(100), sent)


async def backlog(brokers: str, into: str, out: str, made: list[dict[str, Any]], start: Callable[[], None]) -> float:
    """Decisions a second of one worker that finds all of these waiting already when it starts."""
    count = len(made)
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
