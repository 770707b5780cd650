"""`scripts/soak`: a steady load for minutes, with a page open; memory and descriptors of the worker
and of the sinks must stay flat.

It starts servers of its own and never touches others.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
import zlib
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from confluent_kafka import Producer

from devtools.audit.check_delivery import generate_traffic, wait_until_stored
from devtools.audit.run_check import run_check
from devtools.soak.samples import Sample, growth, sample
from devtools.stack.say import Say
from devtools.stack.services import Service
from devtools.stack.stack import HOME
from devtools.stack.test_cluster import Cluster
from fraud_app.topics import RAW

SAMPLE_S = 5.0
FEWEST_MINUTES = 1
STATS_S = 2.0
"""How often a page asks for its figures."""
ROUND, SEED = 60_000, 7
"""Transactions that are made up beforehand and then sent again and again under new ids."""
FLUSH_S = 30.0
"""How long the last transactions may take to the broker after the load has ended."""
_DESCRIPTION = "A steady load for minutes: memory and descriptors of our processes must stay flat."


def main() -> None:
    """Run; the exit code is 1 when a process grew, was started again, or lost a transaction."""
    args = _arguments()
    run_check("soak", args.workers, partial(_run, args))


class Traffic:
    """Transactions, so many a second. Half of the customers come again and again, all others only
    for one round of what was made up beforehand.
    """

    def __init__(self, brokers: str, rate: float) -> None:
        self._producer = Producer({"bootstrap.servers": brokers, "partitioner": "murmur2_random"})
        self._rate = rate
        self.sent = 0
        self.started = asyncio.Event()

    async def run(self) -> None:
        """Send until it is cancelled."""
        traffic = await asyncio.to_thread(generate_traffic, ROUND, SEED)
        self.started.set()
        next_at = time.monotonic()
        for number in itertools.count():
            for labelled in traffic:
                self._send(labelled.transaction, number)
                next_at += 1 / self._rate
                if next_at > time.monotonic():
                    self._producer.poll(0)
                    await asyncio.sleep(next_at - time.monotonic())

    def _send(self, transaction: dict[str, Any], number: int) -> None:
        transaction = {**transaction}
        del transaction["occurred_at"]
        transaction["transaction_id"] += f"-{number}"
        if zlib.crc32(transaction["user_id"].encode()) % 2:
            transaction["user_id"] += f"-{number}"
        self._producer.produce(RAW, orjson.dumps(transaction), key=transaction["user_id"])
        self.sent += 1

    def flush(self) -> None:
        """Wait until the broker has all of them."""
        self._producer.flush(FLUSH_S)


async def _run(args: argparse.Namespace, cluster: Cluster, say: Say) -> list[str]:
    services = [*cluster.workers, cluster.sinks]
    samples: dict[str, list[Sample]] = {service.name: [] for service in services}
    traffic = Traffic(cluster.environment["FRAUD_KAFKA__BROKERS"], args.rate)
    address = cluster.addresses[0]
    around = [
        asyncio.create_task(traffic.run(), name="the traffic"),
        asyncio.create_task(_read_feed(address), name="the page's live feed"),
        asyncio.create_task(_read_figures(address), name="the page's figures"),
    ]
    started = time.monotonic()
    minute = 0
    try:
        while (seconds := time.monotonic() - started) < args.minutes * 60:
            for service in services:
                with suppress(OSError):  # it ended; that is a fault at the end
                    samples[service.name].append(sample(_pid(service), seconds))
            if seconds >= minute * 60:
                say(f"minute {minute:2}: {_latest(samples)}")
                minute += 1
            await asyncio.sleep(SAMPLE_S)
        ended = [task.get_name() for task in around if task.done()]
    finally:
        for task in around:
            task.cancel()
    await asyncio.to_thread(traffic.flush)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(samples))
    say(f"samples written to {args.out}")
    faults = [
        *_grown(samples, args.warm_up * 60, say),
        *(f"{name} ended by itself" for name in ended),
        *(
            f"{service.name} was started again {service.restarts} times"
            for service in services
            if service.restarts
        ),
        *await _unfinished(cluster, traffic.sent, say),
    ]
    for fault in faults:
        say(f"FAULT {fault}")
    return faults


def _grown(samples: dict[str, list[Sample]], warm_up_s: float, say: Say) -> list[str]:
    faults = []
    for name, of_process in samples.items():
        grown = growth(of_process, warm_up_s)
        text = (
            f"{name}: {grown.mib_per_minute:+.3f} MiB a minute, {grown.first_mib:.1f} →"
            f" {grown.last_mib:.1f} MiB, descriptors {grown.new_descriptors:+d}"
        )
        say(text)
        if not grown.is_flat:
            faults.append(text)
    return faults


async def _unfinished(cluster: Cluster, sent: int, say: Say) -> list[str]:
    """What is wrong after the load: in the history, or with what the worker says of itself."""
    await wait_until_stored(cluster.environment["FRAUD_POSTGRES__DSN"], sent)
    async with aiohttp.ClientSession(cluster.addresses[0]) as session:
        async with session.get("api/transactions/stats?window=24h") as answer:
            figures = await answer.json()
        async with session.get("api/health") as answer:
            health = await answer.json()
    stored, latency = figures["transactions"], figures["latency_ms"]
    say(
        f"sent {sent:,}, stored {stored:,}, decided in p50 {latency['p50']} ms, p99"
        f" {latency['p99']} ms; health {health['status']}"
    )
    faults = []
    if stored != sent:
        faults.append(f"{sent:,} sent, {stored:,} stored")
    if health["status"] != "ok":
        faults.append(f"health says {health['status']} at the end")
    return faults


async def _read_feed(address: str) -> None:
    """A page's live feed, until it is cancelled."""
    async with aiohttp.ClientSession(address) as session, session.ws_connect("ws") as socket:
        async for _ in socket:
            pass


async def _read_figures(address: str) -> None:
    """A page's figures, until it is cancelled."""
    async with aiohttp.ClientSession(address) as session:
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get("api/transactions/stats?window=15m") as answer:
                    await answer.read()
            await asyncio.sleep(STATS_S)


def _pid(service: Service) -> int:
    assert service.process is not None  # noqa: S101
    return service.process.pid


def _latest(samples: dict[str, list[Sample]]) -> str:
    return ", ".join(
        f"{name} {of_process[-1].resident_mib:.1f} MiB, {of_process[-1].descriptors} descriptors"
        for name, of_process in samples.items()
        if of_process
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=_DESCRIPTION)
    parser.add_argument("--minutes", type=float, default=20.0, help="(default: %(default)s)")
    parser.add_argument(
        "--warm-up",
        type=float,
        default=5.0,
        help="uncounted minutes (default: %(default)s)",
    )
    parser.add_argument("--rate", type=float, default=500.0, help="transactions a second")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HOME / "soak" / "samples.json")
    args = parser.parse_args()
    if args.minutes - args.warm_up < FEWEST_MINUTES:
        parser.error(f"at least {FEWEST_MINUTES} minutes must be left after the warm-up")
    return args


if __name__ == "__main__":
    main()
