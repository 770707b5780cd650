#!/usr/bin/env python3
r"""Make seeded e-commerce traffic with about 0.8 % fraud, and write it to a file or send it to HTTP
or Kafka at a given rate.

    scripts/generate_transactions.py --count 50000 --file tx.jsonl --labels labels.jsonl
    scripts/generate_transactions.py --count 50000 --kafka localhost:9092 --rate 1000 \
        --labels labels.jsonl
    scripts/generate_transactions.py --live --http http://127.0.0.1:6066 --rate 10

The truth is kept apart from the transactions, in the file of labels. By default the times of a
history are kept (use FRAUD_STREAM__CLOCK=occurred in the worker); --live stamps each transaction
with the moment at which it is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import _environment

_environment.enter()

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer

from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.topics import LABELS, RAW
from ml.simulator import LabelledTransaction, Population, simulate
from ml.simulator.population import TRANSACTIONS_PER_CUSTOMER_AND_DAY

Send = Callable[[LabelledTransaction], Awaitable[Any]]

LIVE_STRETCH = timedelta(minutes=10)
"""Length of the traffic that --live simulates at a time."""
IN_FLIGHT = 200
MOST_BEHIND_S = 0.05
"""How far behind schedule sending may be: what is older is not made up for. Simulating a stretch
takes a second, which would otherwise be 50 transactions at one moment in the demo.
"""


def main() -> None:
    args = _arguments()
    try:
        asyncio.run(_run(args))
    except (aiohttp.ClientError, OSError) as error:
        sys.exit(f"the traffic could not be sent: {error}")


async def _run(args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    traffic = _live(args) if args.live else _history(args)
    labels = args.labels.open("wb") if args.labels else None
    sent = fraud = 0
    started = due = time.monotonic()
    async with _target(args) as send:
        in_flight: set[asyncio.Future[Any]] = set()
        for labelled in traffic:
            if stop.is_set() or (args.count and sent >= args.count):
                break
            if args.rate:
                due = max(due + 1 / args.rate, time.monotonic() - MOST_BEHIND_S)
                await _pause(due - time.monotonic(), stop)
            if args.live:
                now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                labelled.transaction["occurred_at"] = now
            if len(in_flight) >= args.in_flight:
                done, in_flight = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
                for finished in done:
                    finished.result()
            in_flight.add(asyncio.ensure_future(send(labelled)))
            if labels:
                labels.write(_label(labelled) + b"\n")
            sent, fraud = sent + 1, fraud + labelled.is_fraud
        await asyncio.gather(*in_flight)
    if labels:
        labels.close()
    seconds = time.monotonic() - started
    print(
        f"{sent:,} transactions, {fraud:,} of them fraud, in {seconds:.1f} s "
        f"({sent / max(seconds, 1e-9):,.0f}/s)",
        file=sys.stderr,
    )


def _history(args: argparse.Namespace) -> Iterator[LabelledTransaction]:
    """A history of `--days` days, from as many customers as make `--count` transactions."""
    natural_users = (args.count or 50_000) / (args.days * TRANSACTIONS_PER_CUSTOMER_AND_DAY)
    users = args.users or max(100, round(natural_users))
    start = (
        datetime.fromisoformat(args.start).replace(tzinfo=UTC)
        if args.start
        else datetime.now(UTC) - timedelta(days=args.days)
    )
    return simulate(
        Population(args.seed, users),
        start,
        args.days,
        count=args.count or None,
        fraud_share=args.fraud_share,
        seed=args.seed,
    )


def _live(args: argparse.Namespace) -> Iterator[LabelledTransaction]:
    """Endless traffic, one stretch after the other, from as many customers as buy at this rate."""
    rate = args.rate or 10.0
    natural_users = round(rate * 86_400 / TRANSACTIONS_PER_CUSTOMER_AND_DAY)
    users = args.users or min(400_000, max(2_000, natural_users))
    population = Population(args.seed, users)
    seed = int(time.time())
    while True:
        days = LIVE_STRETCH / timedelta(days=1)
        count = max(50, round(rate * LIVE_STRETCH.total_seconds()))
        yield from simulate(
            population,
            datetime.now(UTC),
            days,
            count=count,
            fraud_share=args.fraud_share,
            seed=seed,
        )
        seed += 1


@asynccontextmanager
async def _target(args: argparse.Namespace) -> AsyncIterator[Send]:
    """The function that writes to the file, posts to the API or produces to Kafka."""
    if args.file:
        with args.file.open("wb") as file:

            async def write(labelled: LabelledTransaction) -> None:
                file.write(orjson.dumps(labelled.transaction) + b"\n")

            yield write
    elif args.http:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("FRAUD_API_KEY"):
            headers["Authorization"] = "Basic " + base64.b64encode(f"key:{key}".encode()).decode()
        connector = aiohttp.TCPConnector(limit=args.in_flight)
        async with aiohttp.ClientSession(
            args.http, headers=headers, connector=connector
        ) as session:
            yield lambda labelled: _post(session, labelled)
    else:
        producer = AIOKafkaProducer(bootstrap_servers=args.kafka, acks="all", linger_ms=2)
        await producer.start()

        async def produce(labelled: LabelledTransaction) -> None:
            transaction = labelled.transaction
            user_key = transaction["user_id"].encode()
            sends = [await producer.send(RAW, orjson.dumps(transaction), key=user_key)]
            if args.publish_labels and labelled.reported_after_days is not None:
                key = TransactionKey(transaction["user_id"], transaction["transaction_id"])
                label_key = key.text.encode()
                sends.append(await producer.send(LABELS, _label(labelled), key=label_key))
            await asyncio.gather(*sends)

        try:
            yield produce
        finally:
            await producer.stop()


async def _post(session: aiohttp.ClientSession, labelled: LabelledTransaction) -> None:
    """Send until it is accepted: the id makes a second try safe. Raises `aiohttp.ClientError` when
    it is refused.
    """
    body = orjson.dumps(labelled.transaction)
    pause = 0.2
    while True:
        try:
            async with session.post("/api/transactions", data=body) as response:
                if response.status < 300:
                    return
                if response.status not in (429, 502, 503, 504):
                    text = (await response.text())[:300]
                    raise aiohttp.ClientError(f"{response.status}: {text}")
        except (
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientConnectorError,
            aiohttp.ClientOSError,
        ):
            if pause > 30:
                raise
        await asyncio.sleep(pause)
        pause *= 1.5


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, but no longer than until `stop` is set."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def _label(labelled: LabelledTransaction) -> bytes:
    """The truth as JSON, with the date of its chargeback; null when there is none."""
    reported = None
    if labelled.reported_after_days is not None:
        occurred = datetime.fromisoformat(labelled.transaction["occurred_at"])
        reported = (occurred + timedelta(days=labelled.reported_after_days)).isoformat()
    return orjson.dumps(
        {
            "transaction_id": labelled.transaction["transaction_id"],
            "user_id": labelled.transaction["user_id"],
            "is_fraud": labelled.is_fraud,
            "source": "generator",
            "scenario": labelled.scenario,
            "labelled_at": reported,
        }
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--file", type=Path, help="JSON lines")
    target.add_argument(
        "--http", metavar="URL", help="POST to the API there; FRAUD_API_KEY when it wants a key"
    )
    target.add_argument("--kafka", metavar="BROKERS", help="produce to transactions.raw")
    parser.add_argument("--labels", type=Path, help="JSON lines of the truth")
    parser.add_argument(
        "--publish-labels",
        action="store_true",
        help="also send the chargebacks to transactions.labels, dated as they come (with --kafka)",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=0,
        help="transactions in all; without it as many as the customers make",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=0,
        help="transactions a second; without it as fast as possible",
    )
    parser.add_argument(
        "--in-flight", type=int, default=IN_FLIGHT, help="sends that may wait for an answer at once"
    )
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument(
        "--users", type=int, default=0, help="customers; without it as many as fit the rate"
    )
    parser.add_argument("--days", type=float, default=30, help="length of the history")
    parser.add_argument(
        "--start", help="first day of the history, such as 2026-10-01; default: so that it ends now"
    )
    parser.add_argument("--fraud-share", type=float, default=0.008)
    parser.add_argument(
        "--live", action="store_true", help="never ends; each transaction happens when it is sent"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
