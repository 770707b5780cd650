"""`scripts/bench`: from produce to the decision read back, beside a plain aiokafka pass-through in the same run.

Open loop: each transaction has the moment at which it is due, and its latency counts from that moment, sent late or not, so that
a stall is not hidden by the load generator's waiting (coordinated omission; Tene, 2013).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hdrh.histogram import HdrHistogram

from fraud_app import topics
from fraud_app.local import pass_through
from fraud_app.local.process import Process
from fraud_app.local.running import Running
from fraud_app.settings import ROOT
from ml.simulator import Population, simulate

PARTITIONS = 4
WARM_UP_S = 5.0
DRAIN_S = 60.0

Say = Callable[[str], None]


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
    population = Population(seed, 200_000)
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


async def run(args: argparse.Namespace, running: Running, say: Say) -> dict[str, Any]:
    brokers = running.environment["FRAUD_KAFKA__BROKERS"]
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (pass_through.INTO, pass_through.OUT)])
    await admin.close()
    plain = pass_through.start(brokers)
    found: list[Measured] = []
    try:
        for rate in args.rates:
            for repeat in range(args.repeats):  # interleaved, so that a noisy moment hits both
                seed = int(rate) * 10 + repeat
                for contender, into, out in (
                    ("ours", topics.RAW, topics.SCORED),
                    ("pass-through", pass_through.INTO, pass_through.OUT),
                ):
                    one = await latency(brokers, contender, into, out, rate, args.seconds, seed)
                    found.append(one)
                    say(
                        f"{contender:13} {rate:6g}/s  p50 {one.p50:7.2f}  p95 {one.p95:7.2f}  p99 {one.p99:7.2f}  "
                        f"p99.9 {one.p999:7.2f}  worst {one.worst:8.2f} ms"
                    )
        plain.stop(5)
        running.pause()
        ours = await backlog(brokers, topics.RAW, topics.SCORED, args.backlog, 77, running.go_on)
        say(f"ours          backlog of {args.backlog:,}: {ours:,.0f} decisions/s by one worker")
        peers: list[Process] = []
        peer = await backlog(
            brokers,
            pass_through.INTO,
            pass_through.OUT,
            args.backlog,
            78,
            lambda: peers.append(pass_through.start(brokers)),
        )
        peers[0].stop(5)
        say(f"pass-through  backlog of {args.backlog:,}: {peer:,.0f} messages/s; ours does {ours / peer:.2f} of it")
    finally:
        plain.stop(5)
    return {
        "machine": {"cores": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "latency_ms": [asdict(one) for one in found],
        "backlog_per_s": {"ours": ours, "pass-through": peer},
    }


def summary(result: dict[str, Any]) -> str:
    """A table in Markdown: the median over the repeats."""
    lines = ["| | rate | p50 ms | p95 ms | p99 ms | p99.9 ms |", "|---|---|---|---|---|---|"]
    seen: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for one in result["latency_ms"]:
        seen.setdefault((one["contender"], one["rate"]), []).append(one)
    for (contender, rate), runs in seen.items():
        cells = " | ".join(
            f"{statistics.median(run[name] for run in runs):.2f}" for name in ("p50", "p95", "p99", "p999")
        )
        lines.append(f"| {contender} | {rate:g}/s | {cells} |")
    return "\n".join(lines)


def main() -> None:
    args = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)

    running = Running("bench", 1, say)
    try:
        result = asyncio.run(run(args, running, say))
    finally:
        running.stop()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2))
    print(f"\n{summary(result)}\n\nbacklog, per second: {result['backlog_per_s']}\nwritten to {args.out}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[100, 1000], help="transactions a second (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="measured time of each run, after 5 s of warm-up")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--backlog", type=int, default=30_000)
    parser.add_argument("--out", type=Path, default=ROOT / ".fraud" / "bench" / "bench.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
