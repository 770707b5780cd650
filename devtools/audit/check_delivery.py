"""`scripts/check_delivery`: sends generated transactions through HTTP and Kafka, kills workers in
the meantime, and audits the result.

It starts servers of its own and never touches others.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import aiohttp
import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from devtools.audit.audit import audit_delivery
from devtools.audit.report import report
from devtools.audit.run_check import run_check
from devtools.stack.say import Say
from devtools.stack.test_cluster import Cluster, kill_workers
from fraud_app import topics
from fraud_app.contracts.transaction_key import TransactionKey
from ml.simulator import LabelledTransaction, Population, simulate
from ml.simulator.population import TRANSACTIONS_PER_CUSTOMER_AND_DAY

DAYS = 30.0  # longer than the longest velocity window of 7 days
USERS_PER_TRANSACTION = 1 / (DAYS * TRANSACTIONS_PER_CUSTOMER_AND_DAY)
FEWEST_USERS = 500  # a small run has many users, too
START = datetime(2026, 10, 1, tzinfo=UTC)
MIRROR_S = 2.0  # the mirror in Redis follows the tables with a delay
PATIENCE_S = 240.0  # after that the audit reports what is missing
RETRY_STATUSES = (429, 502, 503, 504)  # overloaded or restarting: a later attempt may succeed
MAX_UNACKNOWLEDGED = 2000  # bounds the memory for messages that the broker has not acknowledged
_DESCRIPTION = (
    "`scripts/check_delivery`: generated transactions through HTTP and Kafka, workers killed on the"
    " way, and the audit of all of it."
)


def generate_traffic(count: int, seed: int) -> list[LabelledTransaction]:
    """`count` transactions of one month of a shop, in order of time."""
    population = Population(seed, max(FEWEST_USERS, round(count * USERS_PER_TRANSACTION)))
    return list(simulate(population, START, DAYS, count=count, seed=seed))


async def send_http(
    addresses: list[str], transactions: Iterable[LabelledTransaction], in_flight: int = 64
) -> None:
    """Post all transactions, `in_flight` at a time, alternating between the addresses.

    A failed request is sent again with the same transaction id until it is accepted. Raises
    `RuntimeError` for an answer that a retry cannot change.
    """
    queue = iter(transactions)

    async def send_from_queue(session: aiohttp.ClientSession, client: int) -> None:
        for labelled in queue:
            body, attempt = orjson.dumps(labelled.transaction), 0
            while not await _is_accepted(
                session, addresses[(client + attempt) % len(addresses)], body
            ):
                attempt += 1
                await asyncio.sleep(0.1)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        await asyncio.gather(*(send_from_queue(session, client) for client in range(in_flight)))


async def _is_accepted(session: aiohttp.ClientSession, address: str, body: bytes) -> bool:
    """Post one transaction; False when it should be sent again."""
    try:
        async with session.post(
            f"{address}api/transactions",
            data=body,
            headers={"Content-Type": "application/json"},
        ) as response:
            if response.status == 202:
                return True
            if response.status not in RETRY_STATUSES:
                raise RuntimeError(f"{response.status}: {await response.text()}")
    except (aiohttp.ClientError, TimeoutError):
        pass
    return False


async def send_kafka(
    brokers: str, transactions: Iterable[LabelledTransaction], rate: float = 0.0
) -> None:
    """Produce all with acks=all, at `rate` transactions a second (0: as fast as possible).

    Raises `KafkaError` when the broker refuses a message.
    """
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=2)
    await producer.start()
    started, sent, unacknowledged = time.monotonic(), 0, []
    try:
        for labelled in transactions:
            transaction = labelled.transaction
            unacknowledged.append(
                await producer.send(
                    topics.RAW, orjson.dumps(transaction), key=transaction["user_id"].encode()
                )
            )
            sent += 1
            if rate and sent % 10 == 0:
                await asyncio.sleep(max(0.0, started + sent / rate - time.monotonic()))
            if len(unacknowledged) >= MAX_UNACKNOWLEDGED:
                await asyncio.gather(*unacknowledged)
                unacknowledged = []
        await asyncio.gather(*unacknowledged)
    finally:
        await producer.stop()


async def wait_until_stored(dsn: str, count: int) -> None:
    """Wait until `count` transactions are stored, at most 240 s, and then 2 s more for the mirror.

    The caller's audit reports what is missing after that time.
    """
    connection = await asyncpg.connect(dsn)
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            with suppress(asyncpg.UndefinedTableError):
                if await connection.fetchval("SELECT count(*) FROM transactions") >= count:
                    break
            await asyncio.sleep(0.5)
    finally:
        await connection.close()
    await asyncio.sleep(MIRROR_S)


def main() -> None:
    """Run the check; the exit code is 1 when there is a fault."""
    args = _arguments()
    run_check("delivery", args.workers, partial(_run, args))


async def _run(args: argparse.Namespace, cluster: Cluster, say: Say) -> list[str]:
    """Send the traffic, kill workers meanwhile, wait until all is stored, audit and report."""
    generated = generate_traffic(args.http + args.kafka, args.seed)
    transactions = [labelled.transaction for labelled in generated]
    customers = {transaction["user_id"] for transaction in transactions}
    say(
        f"{len(generated):,} transactions of {len(customers):,} customers over {DAYS:.0f} days,"
        f" seed {args.seed}"
    )
    killing = (
        asyncio.create_task(kill_workers(cluster, args.kills, args.kill_every, args.seed, say))
        if args.kills
        else None
    )
    by_http, by_kafka = generated[: args.http], generated[args.http :]
    started = time.monotonic()
    await send_http(cluster.addresses, by_http)
    say(f"{len(by_http):,} accepted by HTTP in {time.monotonic() - started:.1f} s")
    started = time.monotonic()
    await send_kafka(cluster.environment["FRAUD_KAFKA__BROKERS"], by_kafka, args.rate)
    say(f"{len(by_kafka):,} sent by Kafka in {time.monotonic() - started:.1f} s")
    if killing:
        await killing
    await wait_until_stored(cluster.environment["FRAUD_POSTGRES__DSN"], len(generated))
    say("all quiet; auditing")
    result = await audit_delivery(cluster.environment, transactions, by_occurred=True)
    keys = [TransactionKey(sent["user_id"], sent["transaction_id"]) for sent in transactions]
    fraud = {key: labelled.is_fraud for key, labelled in zip(keys, generated, strict=True)}
    amounts = {key: float(sent["amount"]) for key, sent in zip(keys, transactions, strict=True)}
    report(result, fraud, amounts, say)
    return result.faults


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/check_delivery", description=_DESCRIPTION)
    parser.add_argument(
        "--http", type=int, default=25_000, help="transactions by HTTP (default: %(default)s)"
    )
    parser.add_argument(
        "--kafka", type=int, default=25_000, help="transactions by Kafka (default: %(default)s)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="Kafka transactions a second; 0: as fast as possible",
    )
    parser.add_argument(
        "--kills", type=int, default=0, help="kill -9 of a worker this many times while sending"
    )
    parser.add_argument("--kill-every", type=float, default=6.0, help="seconds between kills")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=21)
    return parser.parse_args()


if __name__ == "__main__":
    main()
