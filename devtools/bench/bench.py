"""`scripts/bench`: the same transactions, features and model through this system, other designs and
floors, in one run.

Each contender runs alone while it is measured; the order turns with every repeat, so that a noisy
hour hits all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devtools.audit.audit import read_topic
from devtools.bench import contenders, cpu_affinity, latency_breakdown, report
from devtools.bench.contenders import OURS, PARTITIONS, Contender
from devtools.bench.latency import backlog, http_latency, latency, transactions
from devtools.bench.result import BenchResult
from devtools.stack.stack import HOME, Stack
from fraud_app.settings import ROOT

Say = Callable[[str], None]
WARM_RATE, BROKER_RATE = 250.0, 1000.0
OWN_CORE = f"{OURS}, own core"
"""The worker alone on one core, its sinks and the servers on the others, the load on any."""
SETTLE_S = 15.0
OVERLOADED_MS = 1000.0


async def run(args: argparse.Namespace, stack: Stack, say: Say) -> BenchResult:
    environment = {**stack.environment(), "FRAUD_STREAM__CLOCK": "occurred"}
    brokers = environment["FRAUD_KAFKA__BROKERS"]
    taking_part = [
        contender
        for contender in contenders.all_of(environment, stack.directory)
        if not args.only or contender.name in args.only or contender.name == OURS
    ]
    await _topics(brokers, taking_part[1:])
    servers = [server.pid for server in (stack.kafka, stack.redis, stack.postgres) if server]
    runs = 2 * (len(args.rates) + 2)
    found = BenchResult(
        {
            "cores": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "rates": args.rates,
        }
    )
    await _warm_broker(taking_part, brokers, args.warm_up)
    for repeat in range(args.repeats):
        turn = repeat % len(taking_part)
        for contender in taking_part[turn:] + taking_part[:turn]:
            await asyncio.to_thread(contender.start)
            try:
                # Also waits for those who tell nobody when they are ready, and lets the broker's
                # compiler have its say.
                await _warm(contender, brokers, WARM_RATE, args.warm_up, repeat * runs)
                await _measure(
                    contender, contender.name, repeat * runs + 1, args, brokers, found, say
                )
                if contender.name == OURS and len(cpu_affinity.usable()) > 1:
                    worker, *others = [process.pid for process in contender.processes]
                    with cpu_affinity.apart(worker, [*others, *servers]):
                        await _measure(
                            contender,
                            OWN_CORE,
                            repeat * runs + runs // 2,
                            args,
                            brokers,
                            found,
                            say,
                        )
            finally:
                await asyncio.to_thread(contender.stop)
    await _compare(brokers, taking_part, found)
    return found


async def _warm_broker(contenders: list[Contender], brokers: str, seconds: float) -> None:
    """A cold broker compiles its code for the first half minute, and the first contender would pay
    for it.
    """
    plain = contenders[-1]
    await asyncio.to_thread(plain.start)
    try:
        await _warm(plain, brokers, BROKER_RATE, seconds, 0)
    finally:
        await asyncio.to_thread(plain.stop)


async def _warm(contender: Contender, brokers: str, rate: float, seconds: float, run: int) -> None:
    await asyncio.to_thread(
        latency, brokers, contender.name, contender.into, contender.out, rate, seconds, run
    )


async def _measure(
    contender: Contender,
    name: str,
    first: int,
    args: argparse.Namespace,
    brokers: str,
    found: BenchResult,
    say: Say,
) -> None:
    """Every rate, the backlog and `/score`, from the transactions of run `first` on: time goes on
    from run to run.
    """
    measure = partial(latency, brokers, name, contender.into, contender.out)
    for number, rate in enumerate(args.rates, first):
        used = contender.cpu_s()
        one = await asyncio.to_thread(measure, rate, args.seconds, number)
        one.cpu_s_per_1000 = (contender.cpu_s() - used) / one.sent * 1000
        found.latency.append(one)
        say(
            f"{name:19} {rate:6g}/s  p50 {one.p50:8.2f}  p95 {one.p95:8.2f}  p99 {one.p99:8.2f}  p99.9 {one.p999:8.2f} ms"
            f"  {one.cpu_s_per_1000:5.2f} CPU-s per 1,000"
        )
        if one.stages:
            say(f"{'':19} {rate:6g}/s  {latency_breakdown.summary(one.stages)} ms (p50/p99)")
        if one.p50 > OVERLOADED_MS:
            say(f"{name:19} cannot keep up; higher rates are left out")
            break
    contender.pause(signal.SIGSTOP)
    used = contender.cpu_s()
    waiting = transactions(args.backlog, first + len(args.rates))
    many = args.backlog if contender.name != "usual design" else args.backlog // 4
    per_s = await asyncio.to_thread(
        backlog,
        brokers,
        contender.into,
        contender.out,
        waiting[:many],
        lambda: contender.pause(signal.SIGCONT),
    )
    found.backlog.setdefault(name, []).append(per_s)
    found.backlog_cpu_s_per_1000.setdefault(name, []).append(
        (contender.cpu_s() - used) / many * 1000
    )
    found.resident_mib[name] = contender.resident_mib()
    say(f"{name:19} backlog of {many:,}: {per_s:,.0f} a second")
    if contender.address:
        await asyncio.sleep(SETTLE_S)  # storing the backlog is not what /score is measured on
        asked = await http_latency(name, contender.address, args.score_rate, args.seconds)
        found.score.append(asked)
        say(f"{name:19} /score at {asked.rate:g}/s  p50 {asked.p50:8.2f}  p99 {asked.p99:8.2f} ms")


async def _topics(brokers: str, contenders: list[Contender]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    names = [name for one in contenders for name in (one.into, one.out)]
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    await admin.close()


async def _compare(brokers: str, contenders: list[Contender], found: BenchResult) -> None:
    """The share of the transactions that each peer decided as we did."""
    ours: dict[str, Any] = {}
    for contender in contenders:
        if contender.name == "pass-through":
            continue
        messages = [
            orjson.loads(record.value) for record in await read_topic(brokers, contender.out)
        ]
        decisions = {
            one["transaction_id"]: (one["decision"], one["probability"]) for one in messages
        }
        ours = ours or decisions
        common = ours.keys() & decisions.keys()
        found.same_decision[contender.name] = sum(
            ours[one][0] == decisions[one][0] for one in common
        ) / len(common)


def main() -> None:
    args = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)

    stack = Stack(HOME / "bench", say)
    stack.wipe()
    stack.start()
    try:
        found = uvloop.run(run(args, stack, say))
    finally:
        stack.stop()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(asdict(found), indent=2))
    report.plot(found, args.out.with_suffix(".html"))
    print(
        f"\n{report.table(found)}\n\nwritten to {args.out} and {args.out.with_suffix('.html').name}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=[100, 500, 1000, 2000],
        help="transactions a second (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        help="measured time of each run, after 5 s of warm-up",
    )
    parser.add_argument(
        "--warm-up",
        type=float,
        default=20.0,
        help="seconds at 250/s before a contender is measured",
    )
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--backlog", type=int, default=20_000)
    parser.add_argument(
        "--score-rate", type=float, default=500.0, help="requests a second to POST /score"
    )
    parser.add_argument("--only", nargs="+", help="names of contenders beside ours (default: all)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / ".fraud" / "bench" / "results" / "bench.json"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
