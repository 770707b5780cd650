"""`scripts/bench`: from produce to the decision read back, beside a plain aiokafka pass-through in the same run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from fraud_app import topics
from fraud_app.local import pass_through
from fraud_app.local.measuring import Measured, backlog, latency
from fraud_app.local.process import Process
from fraud_app.local.running import Running
from fraud_app.settings import ROOT

PARTITIONS = 4

Say = Callable[[str], None]


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
        result = uvloop.run(run(args, running, say))
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
