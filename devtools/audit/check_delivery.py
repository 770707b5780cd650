"""`scripts/check_delivery`: generated transactions through HTTP and Kafka, workers killed on the
way, and the audit of all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import numpy as np
import orjson
from aiokafka import AIOKafkaProducer

from devtools.audit.audit import AuditResult, audit
from devtools.stack.test_cluster import Cluster, Say, kill_workers
from fraud_app import topics
from ml.serving.cutoffs import Cutoffs
from ml.simulator import LabelledTransaction, Population, simulate
from ml.simulator.population import PAYMENTS_PER_CUSTOMER_AND_DAY
from ml.training.evaluation import quality, read_costs

DAYS = 30.0
USERS_PER_TRANSACTION = 1 / (DAYS * PAYMENTS_PER_CUSTOMER_AND_DAY)
START = datetime(2026, 10, 1, tzinfo=UTC)
QUIET_S, PATIENCE_S = 2.0, 240.0


def traffic(count: int, seed: int) -> list[LabelledTransaction]:
    """A month of a shop, as many transactions as asked for."""
    population = Population(seed, max(500, round(count * USERS_PER_TRANSACTION)))
    return list(simulate(population, START, DAYS, count=count, seed=seed))


async def send_http(
    addresses: list[str], transactions: Iterable[LabelledTransaction], in_flight: int = 64
) -> None:
    """Post all, one connection after the other; what fails is sent again with the same id until it
    is accepted.
    """
    queue = iter(transactions)

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        for one in queue:
            body, tries = orjson.dumps(one.transaction), 0
            while True:
                address = addresses[(number + tries) % len(addresses)]
                tries += 1
                try:
                    async with session.post(
                        f"{address}api/transactions",
                        data=body,
                        headers={"Content-Type": "application/json"},
                    ) as answer:
                        if answer.status == 202:
                            break
                        if answer.status not in (429, 502, 503, 504):
                            raise RuntimeError(f"{answer.status}: {await answer.text()}")
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.1)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        await asyncio.gather(*(client(session, number) for number in range(in_flight)))


async def send_kafka(
    brokers: str, transactions: Iterable[LabelledTransaction], rate: float = 0.0
) -> None:
    """Produce all with acks=all; every failure is raised."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=2)
    await producer.start()
    started, sent, pending = time.monotonic(), 0, []
    try:
        for one in transactions:
            pending.append(
                await producer.send(
                    topics.RAW,
                    orjson.dumps(one.transaction),
                    key=one.transaction["user_id"].encode(),
                )
            )
            sent += 1
            if rate and sent % 10 == 0:
                await asyncio.sleep(max(0.0, started + sent / rate - time.monotonic()))
            if len(pending) >= 2000:
                await asyncio.gather(*pending)
                pending = []
        await asyncio.gather(*pending)
    finally:
        await producer.stop()


async def settled(dsn: str, count: int) -> None:
    """Wait until this many transactions are stored and nothing more comes, and the mirror had time
    to follow.
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
    await asyncio.sleep(QUIET_S)


def report(found: AuditResult, fraud: dict[str, bool], amounts: dict[str, float], say: Say) -> None:
    """Say what was found, and how good the decisions were."""
    say(
        f"accepted {found.accepted:,} · stored {found.stored:,} · scored {found.scored:,} (+{found.copies:,} identical copies)"
    )
    say(f"users {found.users:,}, {found.miscounted:,} of them not counted as often as accepted")
    say(
        f"features: {found.features_equal:,} of {found.features_compared:,} equal to the offline replay bit for bit"
    )
    say(f"shared signals as in an ideal replay in global order: {found.shared_equal:.2%}")
    ids = [identity for identity in found.probability if found.probability[identity] is not None]
    truth = np.array([fraud[identity] for identity in ids])
    probability = np.array([found.probability[identity] for identity in ids])
    if truth.any():
        figures = quality(
            probability,
            truth,
            np.array([amounts[identity] for identity in ids]),
            Cutoffs(2.0, 2.0),
            read_costs(),
        )
        blocked = np.array([found.decision[identity] == "block" for identity in ids])
        flagged = np.array([found.decision[identity] != "approve" for identity in ids])
        say(
            f"quality on the generator's labels ({truth.sum():,} fraud, {truth.mean():.2%}): PR-AUC {figures['pr_auc']:.3f}, "
            f"ROC-AUC {figures['roc_auc']:.3f}, flagged {flagged[truth].mean():.1%} of fraud, blocked {blocked[truth].mean():.1%}, "
            f"precision of blocks {truth[blocked].mean():.1%}, insult rate {blocked[~truth].mean():.3%}, review rate "
            f"{(flagged & ~blocked).mean():.2%}, ECE {figures['expected_calibration_error']:.4f}"
        )
    for fault in found.faults[:20]:
        say(f"FAULT {fault}")
    say(
        "nothing lost, nothing counted twice, no decision changed"
        if not found.faults
        else f"{len(found.faults)} faults"
    )


def main() -> None:
    args = _arguments()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)

    running = Cluster("delivery", args.workers, say, FRAUD_STREAM__CLOCK="occurred")
    try:
        found = asyncio.run(_run(args, running, say))
    finally:
        running.stop()
    sys.exit(1 if found.faults else 0)


async def _run(args: argparse.Namespace, running: Cluster, say: Say) -> AuditResult:
    made = traffic(args.http + args.kafka, args.seed)
    by_http, by_kafka = made[: args.http], made[args.http :]
    say(
        f"{len(made):,} transactions of {len({one.transaction['user_id'] for one in made}):,} customers over {DAYS:.0f} days, seed {args.seed}"
    )
    killing = (
        asyncio.create_task(kill_workers(running, args.kills, args.kill_every, args.seed, say))
        if args.kills
        else None
    )
    begun = time.monotonic()
    await send_http(running.addresses, by_http)
    say(f"{len(by_http):,} accepted by HTTP in {time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    await send_kafka(running.environment["FRAUD_KAFKA__BROKERS"], by_kafka, args.rate)
    say(f"{len(by_kafka):,} sent by Kafka in {time.monotonic() - begun:.1f} s")
    if killing:
        await killing
    await settled(running.environment["FRAUD_POSTGRES__DSN"], len(made))
    say("all quiet; auditing")
    found = await audit(running.environment, [one.transaction for one in made], by_occurred=True)
    fraud = {one.transaction["transaction_id"]: one.is_fraud for one in made}
    amounts: dict[str, Any] = {
        one.transaction["transaction_id"]: float(one.transaction["amount"]) for one in made
    }
    report(found, fraud, amounts, say)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/check_delivery", description=__doc__)
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
