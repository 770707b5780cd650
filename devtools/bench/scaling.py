"""`scripts/bench growth`: measures what our system costs, and how the cost grows with load,
workers, users and a user's history.

Only our system takes part; `scripts/bench` compares it with others. Each part starts from empty
servers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from devtools.bench import resource_usage, synthetic_users
from devtools.bench.contenders import OURS, Contender, start_ours
from devtools.bench.http_latency import measure_http_batches
from devtools.bench.latency import measure_backlog, measure_latency, transactions
from devtools.bench.load import Route
from devtools.stack import ports
from devtools.stack.say import Say, timed_say
from devtools.stack.services import Service, sinks_service, worker_service
from devtools.stack.stack import HOME, Stack
from fraud_app.contracts.scored import LATENCY_TARGET_MS
from fraud_app.settings import ROOT
from fraud_app.topics import RAW, SCORED

FIRST_RATE, RATE_STEP, MAX_RATE = 750, 250, 4000  # transactions per second
COUNTED_TRANSACTIONS = 20_000  # enough that fixed costs of the stores do not show
STORED_S = 2  # history is stored up to one flush after the decision
HISTORY_SIZES = (0, 1, 3, 10, 30, 100, 300)
_DESCRIPTION = (
    "`scripts/bench growth`: what the system costs and how that grows with load, workers, users and"
    " their history. Only this system takes part; `scripts/bench` compares it with others. Each"
    " part starts from empty servers."
)


@contextmanager
def running_servers(name: str) -> Iterator[Stack]:
    """Empty servers that are stopped at the end of the block. Raises `StartFailed`."""
    stack = Stack(HOME / "growth" / name, lambda _: None)
    stack.wipe()
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


@contextmanager
def running_system(stack: Stack, workers: int = 1) -> Iterator[Contender]:
    """Ready workers and sinks that are stopped at the end of the block. Raises `StartFailed`."""
    environment = _environment(stack)
    worker_ports = [ports.any_free() for _ in range(workers)]
    system = Contender(
        f"{workers} workers",
        _route(stack),
        lambda: start_ours(environment, stack.directory, worker_ports),
    )
    system.address = f"http://127.0.0.1:{worker_ports[0]}"
    system.start()
    try:
        yield system
    finally:
        system.stop()


def _environment(stack: Stack) -> dict[str, str]:
    """The workers' settings. Their clock is the transactions' own time: runs are repeatable."""
    return {**stack.environment(), "FRAUD_STREAM__CLOCK": "occurred"}


def _route(stack: Stack) -> Route:
    return Route(stack.environment()["FRAUD_KAFKA__BROKERS"], RAW, SCORED)


def load(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The highest rate with a p99 below 50 ms, the bytes that a transaction adds to each store, and
    the throughput of `/score/batch`.
    """
    with running_servers("load") as stack, running_system(stack) as system:
        measure_latency(system.route, "warm-up", 500, args.seconds, 0)
        figures: dict[str, Any] = {"rates": []}
        for run, rate in enumerate(range(FIRST_RATE, MAX_RATE + 1, RATE_STEP), 1):
            result = measure_latency(system.route, OURS, rate, args.seconds, run)
            figures["rates"].append(asdict(result))
            say(
                f"{rate:,}/s: p50 {result.p50:.1f}, p99 {result.p99:.1f},"
                f" p99.9 {result.p999:.1f} ms"
            )
            if result.p99 > LATENCY_TARGET_MS and rate >= args.least_rate:
                break
        within_promise = [
            result["rate"] for result in figures["rates"] if result["p99"] < LATENCY_TARGET_MS
        ]
        figures["highest_rate_within_promise"] = max(within_promise, default=0)
        figures["bytes_per_transaction"] = _bytes_per_transaction(stack, system)
        say(f"bytes a transaction: {figures['bytes_per_transaction']}")
        figures["score_batch"] = asyncio.run(
            measure_http_batches(f"{system.address}/score/batch", args.seconds)
        )
        say(f"/score/batch: {figures['score_batch']}")
    return figures


def _bytes_per_transaction(stack: Stack, system: Contender) -> dict[str, int]:
    """Send some thousand transactions and measure what each adds to the stores."""
    before = resource_usage.stored_bytes(stack)
    result = measure_latency(system.route, OURS, 1000, COUNTED_TRANSACTIONS / 1000, 90)
    time.sleep(STORED_S)
    after = resource_usage.stored_bytes(stack)
    return resource_usage.growth_per_transaction(before, after, result.sent)


def workers(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The throughput of a backlog and the latency at 1,000/s, with one worker and with two."""
    figures = {}
    for count in (1, 2):
        with running_servers(f"workers-{count}") as stack, running_system(stack, count) as system:
            measure_latency(system.route, "warm-up", 300, args.seconds, 0)
            result = measure_latency(system.route, system.name, 1000, args.seconds, 1)
            system.send_signal(signal.SIGSTOP)
            per_s = _backlog_per_s(system, args.backlog)
            figures[str(count)] = {
                "backlog_per_s": per_s,
                "p50_ms": result.p50,
                "p99_ms": result.p99,
            }
            say(
                f"{count} worker(s): backlog {per_s:,.0f}/s;"
                f" at 1,000/s p50 {result.p50:.1f}, p99 {result.p99:.1f} ms"
            )
    return figures


def _backlog_per_s(stopped: Contender, count: int) -> float:
    """Decisions per second of a system that is stopped by SIGSTOP until the backlog is there."""
    return measure_backlog(
        stopped.route, transactions(count, 500), lambda: stopped.send_signal(signal.SIGCONT)
    )


def users(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The start of a worker by the number of users, with an empty disk and with its tables; then
    memory, disk and latency.
    """
    figures = {}
    for count in args.users:
        with running_servers(f"users-{count}") as stack:
            figures[str(count)] = _measure_users(stack, count, args.seconds)
            say(f"{count:,} users: {figures[str(count)]}")
    return figures


def _measure_users(stack: Stack, count: int, seconds: float) -> dict[str, Any]:
    environment, route = _environment(stack), _route(stack)
    with running_system(stack):
        pass  # creates the changelog topic
    synthetic_users.write_changelog(route.brokers, count)
    resource_usage.delete_tables(stack)
    scoring: Service = worker_service(1, environment, stack.directory, ports.any_free())
    storing: Service = sinks_service(environment, stack.directory)
    figures: dict[str, Any] = {"recovery_s": resource_usage.seconds_to_ready(scoring)}
    figures |= resource_usage.measure_memory(stack, scoring, count)
    scoring.stop()
    figures["restart_s"] = resource_usage.seconds_to_ready(scoring)
    storing.start()
    measure_latency(route, "warm-up", 300, seconds, 0)
    result = measure_latency(route, OURS, 500, seconds, 1)
    figures |= {"p50_ms": result.p50, "p99_ms": result.p99}
    for service in (storing, scoring):
        service.stop()
    return figures


def history(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Bytes of a user row and the time of one decision, by the number of transactions that the user
    made before.
    """
    figures = {str(count): synthetic_users.measure_history(count) for count in HISTORY_SIZES}
    for count, measured in figures.items():
        say(f"{count} payments before: {measured}")
    return figures


PARTS = {"load": load, "workers": workers, "users": users, "history": history}


def main() -> None:
    """Measure the chosen parts and write their figures."""
    args = _arguments()
    say = timed_say()
    figures = {name: PARTS[name](args, say) for name in args.parts}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(figures, indent=2))
    print(f"written to {args.out}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench growth", description=_DESCRIPTION)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        help="measured time of each run, after 5 s of warm-up",
    )
    parser.add_argument("--backlog", type=int, default=20_000)
    parser.add_argument("--users", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--least-rate", type=float, default=2000, help="rates up to this are measured in any case"
    )
    parser.add_argument("--out", type=Path, default=ROOT / ".fraud" / "growth" / "growth.json")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.install()
    main()
