"""PostgreSQL is away under a steady load: how fast storage catches up when it is back, and what
decisions cost meanwhile. `scripts/check drain` runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from functools import partial
from typing import NamedTuple

import asyncpg

from devtools.audit.run_check import run_check
from devtools.chaos.watch import behind, wait_until_well
from devtools.soak.soak import Traffic
from devtools.stack.say import Say
from devtools.stack.test_cluster import Cluster

STORAGE = "fraud-storage"
"""The consumer group."""
BEFORE_S, AFTER_S = 30.0, 15.0
"""Seconds of load before the outage, and after storage has caught up."""
SAMPLE_S = 0.25
RESUMED_S = 10.0
"""Storing must have resumed so soon."""
CAUGHT_UP_S = 1.0
"""As many seconds of the load may be on their way."""
LATENCIES = """
SELECT percentile_cont(array[0.5, 0.99]) WITHIN GROUP (ORDER BY latency_ms)
FROM transactions WHERE scored_at BETWEEN to_timestamp($1) AND to_timestamp($2)
"""


class Drain(NamedTuple):
    """What was seen, in seconds since the server was back; records a second."""

    resumed_after_s: float
    caught_up_after_s: float
    most_behind: int
    rate: float


def main() -> None:
    """Run; the exit code is 1 when storage is late or slower than twice the load."""
    parser = argparse.ArgumentParser(prog="scripts/check drain", description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="transactions a second")
    parser.add_argument("--away", type=float, default=60.0, help="seconds without PostgreSQL")
    args = parser.parse_args()
    run_check("drain", 1, partial(_run, args))


async def _run(args: argparse.Namespace, cluster: Cluster, say: Say) -> list[str]:
    traffic = Traffic(cluster.environment["FRAUD_KAFKA__BROKERS"], args.rate)
    sending = asyncio.create_task(traffic.run())
    try:
        await wait_until_well(cluster, 60.0)
        await traffic.started.wait()
        started = time.time()
        await asyncio.sleep(BEFORE_S)
        away_at = time.time()
        await asyncio.to_thread(cluster.stack.kill, "postgres")
        await asyncio.sleep(args.away)
        await asyncio.to_thread(cluster.stack.start_again, "postgres")
        back_at = time.time()
        drain = await _drain(cluster, args.rate)
        drained_at = time.time()
        await asyncio.sleep(AFTER_S)
        ended = time.time()
    finally:
        sending.cancel()
    say(
        f"{drain.most_behind:,} records waited; storing resumed after {drain.resumed_after_s:.1f} s"
        f" and had caught up after {drain.caught_up_after_s:.1f} s: {drain.rate:,.0f} a second"
    )
    connection = await asyncpg.connect(cluster.environment["FRAUD_POSTGRES__DSN"])
    try:
        for name, start, end in (
            ("before", started, away_at),
            ("away", away_at, back_at),
            ("draining", back_at, drained_at),
            ("after", drained_at, ended),
        ):
            p50, p99 = await connection.fetchval(LATENCIES, start, end)
            say(f"{name:9} decided in p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    finally:
        await connection.close()
    faults = []
    if drain.resumed_after_s > RESUMED_S:
        faults.append(f"storing resumed after {drain.resumed_after_s:.1f} s")
    if drain.rate < 2 * args.rate:
        faults.append(f"{drain.rate:,.0f} records a second, twice the load is {2 * args.rate:,.0f}")
    return faults


async def _drain(cluster: Cluster, rate: float) -> Drain:
    """Watch storage until it has caught up with the load."""
    started = time.monotonic()
    most_behind = (await behind(cluster))[STORAGE]
    resumed_after_s = 0.0
    while (now_behind := (await behind(cluster))[STORAGE]) > rate * CAUGHT_UP_S:
        if now_behind >= most_behind:
            most_behind = now_behind
            resumed_after_s = time.monotonic() - started
        await asyncio.sleep(SAMPLE_S)
    took = time.monotonic() - started
    stored = most_behind - now_behind + rate * (took - resumed_after_s)
    return Drain(resumed_after_s, took, most_behind, stored / max(took - resumed_after_s, SAMPLE_S))


if __name__ == "__main__":
    main()
