"""Latency and throughput of a worker between two topics, from sending a transaction to reading its
decision back.

Open loop: each transaction has a moment at which it is due, and its latency counts from that
moment, even when it was sent late. So a stall is not hidden by the waiting of the load generator
(coordinated omission; Tene, 2013).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hdrh.histogram import HdrHistogram

from devtools.bench import latency_breakdown
from devtools.bench.latency_breakdown import Stage
from devtools.bench.load import DRAIN_S, Reader, Route, Sender
from fraud_app.topics import SCORED
from ml.simulator import Population, simulate

WARM_UP_S = 5.0  # sent, but not counted: caches fill and the rate settles
USERS, SEED = 20_000, 4
FIRST_DAY = datetime(2026, 9, 1, tzinfo=UTC)
START_DELAY_S = 0.1  # the first transaction is not due before the loop runs
_MAX_US, _DIGITS = 600_000_000, 3
"""The histogram reaches ten minutes, longer than any wait, with three significant digits."""


@dataclass
class LatencyResult:
    """Latencies in milliseconds. The field names are keys of the JSON files."""

    contender: str
    rate: float
    """Transactions per second."""
    count: int
    """How many were measured."""
    p50: float
    p95: float
    p99: float
    p999: float
    worst: float
    sent: int
    """How many were sent, including the warm-up."""
    cpu_s_per_1000: float = 0.0
    """CPU-seconds of the contender's own processes per thousand transactions."""
    stages: list[Stage] = field(default_factory=list)
    """The time in each stage; only for our system, whose messages say it."""


def transactions(count: int, run: int) -> list[dict[str, Any]]:
    """The first `count` transactions of the run with this number: the same for every contender, one
    day after those of the run before.
    """
    start = FIRST_DAY + timedelta(days=run)
    return [
        labelled.transaction
        for labelled in simulate(Population(SEED, USERS), start, 1, count=count, seed=SEED + run)
    ]


def measure_latency(
    route: Route, contender: str, rate: float, seconds: float, run: int
) -> LatencyResult:
    """Send `rate` transactions per second; latency from the due moment to the decision read back.

    The first 5 s are not counted. Raises `SystemExit` when a decision is missing in the end.
    """
    count = int(rate * (seconds + WARM_UP_S))
    sent = transactions(count, run)
    sender, reader = Sender(route.brokers, route.source, sent), Reader(route.brokers, route.sink)
    try:
        with garbage_collector_off():
            started = time.perf_counter() + START_DELAY_S
            for number in range(count):
                wait = started + number / rate - time.perf_counter()
                if wait > 0:
                    time.sleep(wait)
                sender.send(number)
            sender.flush()
            reader.wait_for(count, DRAIN_S)
    finally:
        reader.stop()
    lost = count - len(reader.read_at)
    if lost:
        raise SystemExit(f"{contender} at {rate:g}/s: {lost} of {count} decisions never came")
    due = {
        transaction["transaction_id"]: started + number / rate
        for number, transaction in enumerate(sent)
    }
    due = {key: moment for key, moment in due.items() if moment >= started + WARM_UP_S}
    result = summarize(
        contender, rate, count, [reader.read_at[key] - moment for key, moment in due.items()]
    )
    if route.sink == SCORED:
        result.stages = _stages(due, reader)
    return result


def _stages(due: dict[str, float], reader: Reader) -> list[Stage]:
    """The time in each stage. `due`: by transaction id, in seconds of `time.perf_counter`."""
    since_1970 = time.time() - time.perf_counter()
    return latency_breakdown.summarize(
        latency_breakdown.stage_times(
            moment + since_1970, *reader.messages[key], reader.read_at[key] + since_1970
        )
        for key, moment in due.items()
    )


def measure_backlog(
    route: Route, waiting: Sequence[dict[str, Any]], start: Callable[[], None]
) -> float:
    """Decisions per second of a worker that finds all of `waiting` in its topic when it starts.

    `start` is called when they are there. Raises `SystemExit` when a decision is missing in the
    end.
    """
    count = len(waiting)
    sender, reader = Sender(route.brokers, route.source, waiting), Reader(route.brokers, route.sink)
    for number in range(count):
        sender.send(number)
    sender.flush()
    start()
    reader.wait_for(count, DRAIN_S)
    reader.stop()
    moments = sorted(reader.read_at.values())
    if len(moments) < count:
        raise SystemExit(f"{count - len(moments)} of a backlog of {count} never came")
    tenth = count // 10  # the first tenth is the start; in the last, some partitions are empty
    return (count - 2 * tenth) / (moments[-tenth] - moments[tenth])


@contextmanager
def garbage_collector_off() -> Iterator[None]:
    """Collect before the block and not in it.

    A full collection stops the sender for 0.1 s, which looked like latency of the contender.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def summarize(contender: str, rate: float, sent: int, latencies_s: list[float]) -> LatencyResult:
    """The percentiles of latencies that are given in seconds."""
    histogram = HdrHistogram(1, _MAX_US, _DIGITS)
    for latency_s in latencies_s:
        histogram.record_value(max(1, round(latency_s * 1e6)))
    p50, p95, p99, p999, worst = (
        float(histogram.get_value_at_percentile(percent)) / 1000
        for percent in (50, 95, 99, 99.9, 100)
    )
    return LatencyResult(contender, rate, len(latencies_s), p50, p95, p99, p999, worst, sent)
