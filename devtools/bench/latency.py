"""Latency and throughput from produce to the message read back, for any worker between two topics.

Open loop: each transaction has the moment at which it is due, and its latency counts from that
moment, sent late or not, so that a stall is not hidden by the load generator's waiting (coordinated
omission; Tene, 2013).
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
from hdrh.histogram import HdrHistogram

from devtools.bench import latency_breakdown
from devtools.bench.latency_breakdown import Stage
from devtools.bench.load import DRAIN_S, Reader, Sender
from fraud_app.topics import SCORED
from ml.simulator import Population, simulate

WARM_UP_S = 5.0
USERS, SEED = 20_000, 4
FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
HTTP_RUN = 2000
BATCH, BATCH_CLIENTS = 100, 4


@dataclass
class LatencyResult:
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
    stages: list[Stage] = field(default_factory=list)
    """Where the time went; of ours only, whose messages tell."""


def transactions(count: int, run: int) -> list[dict[str, Any]]:
    """The transactions of the run with this number: the same for every contender, a day after those
    of the run before.
    """
    start = FIRST_DAY + timedelta(days=run)
    return [
        one.transaction
        for one in simulate(Population(SEED, USERS), start, 1, count=count, seed=SEED + run)
    ]


def latency(
    brokers: str, contender: str, into: str, out: str, rate: float, seconds: float, run: int
) -> LatencyResult:
    """Send at a fixed rate and measure from the due moment to the decision read back."""
    count = int(rate * (seconds + WARM_UP_S))
    made = transactions(count, run)
    sender, reader = Sender(brokers, into, made), Reader(brokers, out)
    try:
        with _not_collecting():
            started = time.perf_counter() + 0.1
            for number in range(count):
                wait = started + number / rate - time.perf_counter()
                if wait > 0:
                    time.sleep(wait)
                sender.send(number)
            sender.flush()
            reader.wait_for(count, DRAIN_S)
    finally:
        reader.stop()
    lost = count - len(reader.came)
    if lost:
        raise SystemExit(f"{contender} at {rate:g}/s: {lost} of {count} decisions never came")
    due = {one["transaction_id"]: started + number / rate for number, one in enumerate(made)}
    counted = [identity for identity, moment in due.items() if moment >= started + WARM_UP_S]
    measured = _measured(contender, rate, count, [reader.came[one] - due[one] for one in counted])
    if out == SCORED:
        wall = time.time() - time.perf_counter()
        measured.stages = latency_breakdown.of(
            latency_breakdown.times(due[one] + wall, *reader.messages[one], reader.came[one] + wall)
            for one in counted
        )
    return measured


async def http_latency(contender: str, address: str, rate: float, seconds: float) -> LatencyResult:
    """Post at a fixed rate, for the first two seconds unmeasured; latency from the due moment to
    the answer's last byte.
    """
    count, unmeasured = int(rate * (seconds + 2)), int(rate * 2)
    bodies = [orjson.dumps(one) for one in transactions(count, HTTP_RUN)]
    taken: list[float] = []

    async def post(session: aiohttp.ClientSession, body: bytes, moment: float) -> float:
        async with session.post(
            address, data=body, headers={"Content-Type": "application/json"}
        ) as answer:
            await answer.read()
            answer.raise_for_status()
        return time.perf_counter() - moment

    with _not_collecting():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
            started = time.perf_counter() + 0.1
            asked = []
            for number, body in enumerate(bodies):
                moment = started + number / rate
                await asyncio.sleep(max(0.0, moment - time.perf_counter()))
                asked.append(asyncio.ensure_future(post(session, body, moment)))
            taken = await asyncio.gather(*asked)
    return _measured(contender, rate, count, taken[unmeasured:])


async def http_batches(address: str, seconds: float) -> dict[str, float]:
    """`POST /score/batch` by a few clients who each ask again as soon as they are answered:
    transactions a second, and ms a request.
    """
    made = transactions(BATCH * 50, HTTP_RUN + 1)
    bodies = [
        orjson.dumps({"transactions": made[at : at + BATCH]}) for at in range(0, len(made), BATCH)
    ]
    taken: list[float] = []
    ends = time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        while (asked := time.perf_counter()) < ends:
            body = bodies[(number + len(taken)) % len(bodies)]
            async with session.post(
                address, data=body, headers={"Content-Type": "application/json"}
            ) as answer:
                await answer.read()
                answer.raise_for_status()
            taken.append(time.perf_counter() - asked)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session, number) for number in range(BATCH_CLIENTS)))
    found = _measured("score/batch", len(taken) * BATCH / seconds, len(taken) * BATCH, taken)
    return {
        "per_request": BATCH,
        "transactions_per_s": found.rate,
        "p50_ms": found.p50,
        "p99_ms": found.p99,
    }


@contextmanager
def _not_collecting() -> Iterator[None]:
    """A full collection here is 0.1 s in which nothing is sent: it looked like the contender's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _measured(contender: str, rate: float, sent: int, seconds: list[float]) -> LatencyResult:
    histogram = HdrHistogram(1, 600_000_000, 3)
    for one in seconds:
        histogram.record_value(max(1, round(one * 1e6)))

    def at(percent: float) -> float:
        return float(histogram.get_value_at_percentile(percent)) / 1000

    return LatencyResult(
        contender, rate, len(seconds), at(50), at(95), at(99), at(99.9), at(100), sent
    )


def backlog(
    brokers: str, into: str, out: str, made: Sequence[dict[str, Any]], start: Callable[[], None]
) -> float:
    """Decisions a second of one worker that finds all of these waiting already when it starts."""
    count = len(made)
    sender, reader = Sender(brokers, into, made), Reader(brokers, out)
    for number in range(count):
        sender.send(number)
    sender.flush()
    start()
    reader.wait_for(count, DRAIN_S)
    reader.stop()
    moments = sorted(reader.came.values())
    if len(moments) < count:
        raise SystemExit(f"{count - len(moments)} of a backlog of {count} never came")
    tenth = count // 10  # the first and last tenth are start-up and the tail of a partition
    return (count - 2 * tenth) / (moments[-tenth] - moments[tenth])
