"""`scripts/bench`: sends the same transactions through our system, other designs and a
pass-through, and compares latency, throughput and cost. All have the same features and model.

Each contender runs alone while it is measured. The order rotates with every repeat, so that an hour
in which the machine is slow affects all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
from dataclasses import asdict
from pathlib import Path

import uvloop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devtools.bench import contenders, cpu_affinity, latency_breakdown, report
from devtools.bench.agreement import share_of_same_decisions
from devtools.bench.contenders import OURS, PARTITIONS, USUAL, Contender
from devtools.bench.http_latency import measure_http_latency
from devtools.bench.latency import measure_backlog, measure_latency, transactions
from devtools.bench.result import BenchResult
from devtools.stack.say import Say, timed_say
from devtools.stack.stack import HOME, Stack
from fraud_app.settings import ROOT

WARM_RATE, BROKER_RATE = 250.0, 1000.0  # transactions per second during the warm-ups
OWN_CORE = f"{OURS}, own core"
"""The worker alone on one core, its sinks and the servers on the others, the load on any."""
SETTLE_S = 15.0  # storing the backlog must not disturb the measurement of /score
OVERLOADED_MS = 1000.0  # with this median the queue only grows
_DESCRIPTION = (
    "`scripts/bench`: the same transactions, features and model through this system, other designs"
    " and floors, in one run. Each contender runs alone while it is measured; the order turns with"
    " every repeat, so that a noisy hour hits all alike."
)


class Bench:
    """One run of the benchmark: `run` measures every contender in turn."""

    def __init__(self, args: argparse.Namespace, stack: Stack, say: Say) -> None:
        self._args, self._say = args, say
        environment = {**stack.environment(), "FRAUD_STREAM__CLOCK": "occurred"}
        self._brokers = environment["FRAUD_KAFKA__BROKERS"]
        servers = (stack.kafka, stack.redis, stack.postgres)
        self._server_pids = [server.pid for server in servers if server]
        self._contenders = [
            contender
            for contender in contenders.all_contenders(environment, stack.directory)
            if not args.only or contender.name in args.only or contender.name == OURS
        ]
        self._result = BenchResult(
            {
                "cores": os.cpu_count(),
                "platform": platform.platform(),
                "python": platform.python_version(),
                "rates": args.rates,
            }
        )

    async def run(self) -> BenchResult:
        """Measure every contender in every repeat, then compare their decisions."""
        await self._create_topics()
        await self._warm_up_broker()
        # Each run is one day of transactions: a repeat needs every rate, the backlog and a warm-up,
        # and our system twice as many.
        runs_per_repeat = 2 * (len(self._args.rates) + 2)
        for repeat in range(self._args.repeats):
            first = repeat % len(self._contenders)
            for contender in self._contenders[first:] + self._contenders[:first]:
                await self._measure_contender(contender, repeat * runs_per_repeat, runs_per_repeat)
        self._result.same_decision = await share_of_same_decisions(self._contenders)
        return self._result

    async def _create_topics(self) -> None:
        """Create the topics of the others; our worker creates its own."""
        routes = [contender.route for contender in self._contenders[1:]]
        names = [name for route in routes for name in (route.source, route.sink)]
        admin = AIOKafkaAdminClient(bootstrap_servers=self._brokers)
        await admin.start()
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
        await admin.close()

    async def _warm_up_broker(self) -> None:
        """A cold broker compiles its code in the first half minute: the first contender must not be
        measured meanwhile.
        """
        contender = self._contenders[-1]
        await asyncio.to_thread(contender.start)
        try:
            await self._warm_up(contender, BROKER_RATE, run=0)
        finally:
            await asyncio.to_thread(contender.stop)

    async def _warm_up(self, contender: Contender, rate: float, run: int) -> None:
        seconds = self._args.warm_up
        await asyncio.to_thread(
            measure_latency, contender.route, contender.name, rate, seconds, run
        )

    async def _measure_contender(
        self, contender: Contender, first_run: int, runs_per_repeat: int
    ) -> None:
        """Start the contender, warm it up, measure it, and ours a second time on its own core."""
        await asyncio.to_thread(contender.start)
        try:
            # Also waits until contenders without a readiness check work, and lets the broker
            # compile what it needs for this one.
            await self._warm_up(contender, WARM_RATE, first_run)
            await self._measure(contender, contender.name, first_run + 1)
            if contender.name == OURS and len(cpu_affinity.usable_cores()) > 1:
                worker, *sinks = [process.pid for process in contender.processes]
                with cpu_affinity.pin_apart(worker, [*sinks, *self._server_pids]):
                    await self._measure(contender, OWN_CORE, first_run + runs_per_repeat // 2)
        finally:
            await asyncio.to_thread(contender.stop)

    async def _measure(self, contender: Contender, name: str, first_run: int) -> None:
        """Measure every rate, the backlog and `/score`, each with the transactions of the next run:
        a user's time never goes back.
        """
        rates = self._args.rates
        for run, rate in enumerate(rates, first_run):
            if not await self._keeps_up(contender, name, rate, run):
                break
        await self._measure_backlog(contender, name, first_run + len(rates))
        if contender.address:
            await asyncio.sleep(SETTLE_S)
            await self._measure_score(contender.address, name)

    async def _keeps_up(self, contender: Contender, name: str, rate: float, run: int) -> bool:
        """Measure the latency at one rate; False when higher rates make no sense."""
        used_before = contender.cpu_s()
        measured = await asyncio.to_thread(
            measure_latency, contender.route, name, rate, self._args.seconds, run
        )
        measured.cpu_s_per_1000 = (contender.cpu_s() - used_before) / measured.sent * 1000
        self._result.latency.append(measured)
        self._say(
            f"{name:19} {rate:6g}/s  p50 {measured.p50:8.2f}  p95 {measured.p95:8.2f}"
            f"  p99 {measured.p99:8.2f}  p99.9 {measured.p999:8.2f} ms"
            f"  {measured.cpu_s_per_1000:5.2f} CPU-s per 1,000"
        )
        if measured.stages:
            stages = latency_breakdown.format_stages(measured.stages)
            self._say(f"{'':19} {rate:6g}/s  {stages} ms (p50/p99)")
        if measured.p50 > OVERLOADED_MS:
            self._say(f"{name:19} cannot keep up; higher rates are left out")
            return False
        return True

    async def _measure_backlog(self, contender: Contender, name: str, run: int) -> None:
        """Measure the throughput while the contender works through what waited for it."""
        result = self._result
        contender.send_signal(signal.SIGSTOP)
        used_before = contender.cpu_s()
        waiting = transactions(self._args.backlog, run)
        # The usual design is so slow that a quarter is enough.
        count = self._args.backlog // 4 if contender.name == USUAL else self._args.backlog
        per_s = await asyncio.to_thread(
            measure_backlog,
            contender.route,
            waiting[:count],
            lambda: contender.send_signal(signal.SIGCONT),
        )
        cpu_s_per_1000 = (contender.cpu_s() - used_before) / count * 1000
        result.backlog.setdefault(name, []).append(per_s)
        result.backlog_cpu_s_per_1000.setdefault(name, []).append(cpu_s_per_1000)
        result.resident_mib[name] = contender.resident_mib()
        self._say(f"{name:19} backlog of {count:,}: {per_s:,.0f} a second")

    async def _measure_score(self, address: str, name: str) -> None:
        score_rate, seconds = self._args.score_rate, self._args.seconds
        measured = await measure_http_latency(name, address, score_rate, seconds)
        self._result.score.append(measured)
        self._say(
            f"{name:19} /score at {measured.rate:g}/s"
            f"  p50 {measured.p50:8.2f}  p99 {measured.p99:8.2f} ms"
        )


def main() -> None:
    """Run the benchmark, write its figures and print its tables."""
    args = _arguments()
    say = timed_say()
    stack = Stack(HOME / "bench", say)
    stack.wipe()
    stack.start()
    try:
        result = uvloop.run(Bench(args, stack, say).run())
    finally:
        stack.stop()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(asdict(result), indent=2))
    report.plot(result, args.out.with_suffix(".html"))
    html_name = args.out.with_suffix(".html").name
    print(f"\n{report.table(result)}\n\nwritten to {args.out} and {html_name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=_DESCRIPTION)
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
