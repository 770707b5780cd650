"""`scripts/bench growth`: what the system costs and how that grows with load, workers, users and
their history.

Only this system takes part; `scripts/bench` compares it with others. Each part starts from empty
servers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from devtools.bench import resource_usage, synthetic_users
from devtools.bench.contenders import OURS, Contender, ours
from devtools.bench.latency import backlog, http_batches, latency, transactions
from devtools.stack import ports
from devtools.stack.services import Service, sinks, worker
from devtools.stack.stack import HOME, Stack
from fraud_app.settings import ROOT
from fraud_app.topics import RAW, SCORED

Say = Callable[[str], None]
PROMISE_MS = 50.0
FIRST_RATE, RATE_STEP, MOST_RATE = 750, 250, 4000
BYTES_OF = 20_000


@contextmanager
def servers(name: str) -> Iterator[Stack]:
    """Empty servers that are stopped at the end."""
    stack = Stack(HOME / "growth" / name, lambda _: None)
    stack.wipe()
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


@contextmanager
def system(stack: Stack, workers: int = 1) -> Iterator[Contender]:
    """Workers and sinks, ready."""
    environment = {**stack.environment(), "FRAUD_STREAM__CLOCK": "occurred"}
    here = [ports.any_free() for _ in range(workers)]
    running = Contender(
        f"{workers} workers", RAW, SCORED, lambda: ours(environment, stack.directory, here)
    )
    running.address = f"http://127.0.0.1:{here[0]}"
    running.start()
    try:
        yield running
    finally:
        running.stop()


def load(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """The highest rate that keeps the promise, and the bytes of a thousand transactions."""
    with servers("load") as stack, system(stack) as running:
        brokers = stack.environment()["FRAUD_KAFKA__BROKERS"]
        latency(brokers, "warm-up", RAW, SCORED, 500, args.seconds, 0)
        found: dict[str, Any] = {"rates": []}
        for number, rate in enumerate(range(FIRST_RATE, MOST_RATE + 1, RATE_STEP), 1):
            one = latency(brokers, OURS, RAW, SCORED, rate, args.seconds, number)
            found["rates"].append(asdict(one))
            say(f"{rate:,}/s: p50 {one.p50:.1f}, p99 {one.p99:.1f}, p99.9 {one.p999:.1f} ms")
            if one.p99 > PROMISE_MS and rate >= args.least_rate:
                break
        kept = [one["rate"] for one in found["rates"] if one["p99"] < PROMISE_MS]
        found["highest_rate_within_promise"] = max(kept, default=0)
        before = resource_usage.stored(stack)
        sent = latency(brokers, OURS, RAW, SCORED, 1000, BYTES_OF / 1000, 90).sent
        time.sleep(2)  # history follows the decision by up to a flush
        found["bytes_per_transaction"] = resource_usage.per(
            resource_usage.stored(stack), before, sent
        )
        say(f"bytes a transaction: {found['bytes_per_transaction']}")
        found["score_batch"] = asyncio.run(
            http_batches(f"{running.address}/score/batch", args.seconds)
        )
        say(f"/score/batch: {found['score_batch']}")
    return found


def workers(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """One worker and two: a backlog, and latency at 1,000/s."""
    found = {}
    for count in (1, 2):
        with servers(f"workers-{count}") as stack, system(stack, count) as running:
            brokers = stack.environment()["FRAUD_KAFKA__BROKERS"]
            latency(brokers, "warm-up", RAW, SCORED, 300, args.seconds, 0)
            one = latency(brokers, running.name, RAW, SCORED, 1000, args.seconds, 1)
            running.pause(signal.SIGSTOP)
            rate = backlog(
                brokers,
                RAW,
                SCORED,
                transactions(args.backlog, 500),
                lambda: running.pause(signal.SIGCONT),
            )
            found[str(count)] = {"backlog_per_s": rate, "p50_ms": one.p50, "p99_ms": one.p99}
            say(
                f"{count} worker(s): backlog {rate:,.0f}/s; at 1,000/s p50 {one.p50:.1f}, p99 {one.p99:.1f} ms"
            )
    return found


def users(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Start-up with so many users: from nothing but the changelog, and with the tables kept;
    memory, disk, and latency then.
    """
    found = {}
    for count in args.users:
        with servers(f"users-{count}") as stack:
            environment = {**stack.environment(), "FRAUD_STREAM__CLOCK": "occurred"}
            brokers = environment["FRAUD_KAFKA__BROKERS"]
            port = ports.any_free()
            services: list[Service] = [
                worker(1, environment, stack.directory, port),
                sinks(environment, stack.directory),
            ]
            with system(stack):
                pass  # declares the changelog
            synthetic_users.write(brokers, count)
            resource_usage.forget_tables(stack)
            one: dict[str, Any] = {}
            one["recovery_s"] = resource_usage.seconds_to_ready(services[0])
            one.update(resource_usage.of_users(stack, services[0], count))
            services[0].stop()
            one["restart_s"] = resource_usage.seconds_to_ready(services[0])
            services[1].start()
            latency(brokers, "warm-up", RAW, SCORED, 300, args.seconds, 0)
            measured = latency(brokers, OURS, RAW, SCORED, 500, args.seconds, 1)
            one |= {"p50_ms": measured.p50, "p99_ms": measured.p99}
            for service in reversed(services):
                service.stop()
            found[str(count)] = one
            say(f"{count:,} users: {one}")
    return found


def history(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Bytes of a row and the time for one decision's features and row, by the payments that the
    user made before.
    """
    found = {
        str(payments): synthetic_users.one_user(payments)
        for payments in (0, 1, 3, 10, 30, 100, 300)
    }
    for payments, one in found.items():
        say(f"{payments} payments before: {one}")
    return found


PARTS = {"load": load, "workers": workers, "users": users, "history": history}


def main() -> None:
    args = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)

    found = {name: PARTS[name](args, say) for name in args.parts}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(found, indent=2))
    print(f"written to {args.out}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench growth", description=__doc__)
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
