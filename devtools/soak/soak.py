"""`scripts/soak`: a steady load for minutes, with a page open; memory and descriptors of the worker
and of the sinks must stay flat.

It starts servers of its own and never touches others.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

import aiohttp
import orjson
from confluent_kafka import Producer

from devtools.audit.check_delivery import generate_traffic
from devtools.soak.samples import Sample, growth, sample
from devtools.stack.services import Service
from devtools.stack.stack import HOME
from devtools.stack.test_cluster import Cluster, Say
from fraud_app.topics import RAW

SAMPLE_S = 5.0
FEWEST_MINUTES = 1
STATS_S = 2.0
"""How often a page asks for its figures."""
ROUND, SEED = 60_000, 7
"""Transactions that are made up beforehand and then sent again and again under new ids."""
FLUSH_S = 30.0
"""How long the last transactions may take to the history after the load has ended."""
_DESCRIPTION = "A steady load for minutes: memory and descriptors of our processes must stay flat."


def main() -> None:
    """Run; the exit code is 1 when a process grew, was started again, or lost a transaction."""
    args = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:7.1f} s] {text}", flush=True)

    cluster = Cluster("soak", args.workers, say)
    try:
        faults = asyncio.run(_run(args, cluster, say))
    finally:
        cluster.stop()
    for fault in faults:
        say(f"FAULT {fault}")
    sys.exit(1 if faults else 0)


async def _run(args: argparse.Namespace, cluster: Cluster, say: Say) -> list[str]:
    services = [*cluster.workers, cluster.sinks]
    samples: dict[str, list[Sample]] = {service.name: [] for service in services}
    brokers, address = cluster.environment["FRAUD_KAFKA__BROKERS"], cluster.addresses[0]
    around = [
        asyncio.create_task(_send(brokers, args.rate), name="sending"),
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
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(samples))
    say(f"samples written to {args.out}")
    return [
        *_grown(samples, args.warm_up * 60, say),
        *(f"{name} ended by itself" for name in ended),
        *(
            f"{service.name} was started again {service.restarts} times"
            for service in services
            if service.restarts
        ),
        *await _unfinished(cluster, args, say),
    ]


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


async def _unfinished(cluster: Cluster, args: argparse.Namespace, say: Say) -> list[str]:
    """What is wrong with the figures of the whole run, as a page shows them."""
    await asyncio.sleep(FLUSH_S)
    async with aiohttp.ClientSession(cluster.addresses[0]) as session:
        async with session.get("api/transactions/stats?window=1h") as answer:
            figures = await answer.json()
        async with session.get("api/health") as answer:
            health = await answer.json()
    latency = figures["latency_ms"]
    say(
        f"stored {figures['transactions']:,}, decided in p50 {latency['p50']} ms, p99"
        f" {latency['p99']} ms; health {health['status']}"
    )
    least = 0.95 * args.rate * args.minutes * 60
    faults = []
    if figures["transactions"] < least:
        faults.append(f"{figures['transactions']:,} stored, at least {least:,.0f} were to be sent")
    if health["status"] != "ok":
        faults.append(f"health says {health['status']} at the end")
    return faults


async def _send(brokers: str, rate: float) -> None:
    """So many transactions a second, until it is cancelled. Half of the customers come again and
    again, all others only for one round of the traffic.
    """
    traffic = await asyncio.to_thread(generate_traffic, ROUND, SEED)
    producer = Producer({"bootstrap.servers": brokers, "partitioner": "murmur2_random"})
    next_at = time.monotonic()
    for number in itertools.count():
        for labelled in traffic:
            transaction = {**labelled.transaction}
            del transaction["occurred_at"]
            transaction["transaction_id"] += f"-{number}"
            if zlib.crc32(transaction["user_id"].encode()) % 2:
                transaction["user_id"] += f"-{number}"
            producer.produce(RAW, orjson.dumps(transaction), key=transaction["user_id"])
            next_at += 1 / rate
            if next_at > time.monotonic():
                producer.poll(0)
                await asyncio.sleep(next_at - time.monotonic())


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
