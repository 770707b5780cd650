"""Was each accepted transaction scored, stored and counted once, and with the features that a
replay gives? The delivery checker.

Reads what the running system left behind (topics, changelog, Redis, PostgreSQL) and holds it
against what was accepted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
import redis.asyncio as redis
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from fraud_app import topics
from fraud_app.contracts.transaction import Transaction
from fraud_app.kafka.partitioner import partition_of
from fraud_app.settings import Kafka
from ml.features import NAMES, SHARED
from ml.profile.event import Signals, occurred_ms
from ml.profile.layout import view
from ml.training.replay import replay
from tables import mirror, user_row, user_table

CHANGELOG = f"fraud-scoring-{user_table.NAME}-changelog"


@dataclass
class AuditResult:
    """Counts, and every thing that is wrong. `faults` empty: each was scored, stored and counted
    once.
    """

    accepted: int = 0
    stored: int = 0
    scored_messages: int = 0
    scored: int = 0
    copies: int = 0
    users: int = 0
    miscounted: int = 0
    features_compared: int = 0
    features_equal: int = 0
    shared_equal: float = 1.0
    faults: list[str] = field(default_factory=list)
    probability: dict[str, float] = field(default_factory=dict)
    decision: dict[str, str] = field(default_factory=dict)


async def read_topic(brokers: str, topic: str) -> list[ConsumerRecord]:
    """All records of a topic as of now, by partition and offset."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = await _partitions(consumer, topic)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        records = []
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
                records += batch
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def audit(
    environment: Mapping[str, str], accepted: Iterable[Mapping[str, Any]], *, by_occurred: bool
) -> AuditResult:
    """Compare everything. `accepted`: the transactions that the system confirmed; `by_occurred`:
    the clock it ran with.
    """
    brokers = environment["FRAUD_KAFKA__BROKERS"]
    of_user: dict[str, set[str]] = defaultdict(set)
    for one in accepted:
        of_user[one["user_id"]].add(one["transaction_id"])
    wanted = set().union(*of_user.values())
    found = AuditResult(accepted=len(wanted), users=len(of_user))
    await _history(environment["FRAUD_POSTGRES__DSN"], wanted, found)
    scored = await _scored(brokers, wanted, found)
    await _state(environment, of_user, found)
    await _features(brokers, scored, found, by_occurred=by_occurred)
    return found


async def _history(dsn: str, wanted: set[str], found: AuditResult) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        stored = {
            record[0]
            for record in await connection.fetch("SELECT transaction_id FROM transactions")
        }
        rolled = await connection.fetchval(
            "SELECT coalesce(sum(transactions), 0) FROM decision_rollup"
        )
    finally:
        await connection.close()
    found.stored = len(stored)
    _sets("PostgreSQL", wanted, stored, found)
    if rolled != len(stored):
        found.faults.append(f"the rollup counts {rolled} transactions, {len(stored)} are stored")


async def _scored(brokers: str, wanted: set[str], found: AuditResult) -> dict[str, dict[str, Any]]:
    messages = [orjson.loads(record.value) for record in await read_topic(brokers, topics.SCORED)]
    first: dict[str, dict[str, Any]] = {}
    for message in messages:
        identity = message["transaction_id"]
        kept = first.setdefault(identity, message)
        changed = [
            name
            for name in ("decision", "probability", "risk_score", "model")
            if kept[name] != message[name]
        ]
        if changed:
            found.faults.append(f"{identity}: another copy differs in {', '.join(changed)}")
        if kept["features"] is None and message["features"] is not None:
            first[identity] = message
    found.scored_messages, found.scored = len(messages), len(first)
    found.copies = len(messages) - len(first)
    found.probability = {identity: message["probability"] for identity, message in first.items()}
    found.decision = {identity: message["decision"] for identity, message in first.items()}
    _sets(topics.SCORED, wanted, set(first), found)
    return first


async def _state(
    environment: Mapping[str, str], of_user: Mapping[str, set[str]], found: AuditResult
) -> None:
    latest = {
        record.key[2:].decode(): record.value
        for record in await read_topic(environment["FRAUD_KAFKA__BROKERS"], CHANGELOG)
    }
    client = redis.from_url(environment["FRAUD_REDIS__URL"])
    try:
        users = list(of_user)
        mirrored: dict[str, Any] = {}
        for start in range(0, len(users), 1000):
            part = users[start : start + 1000]
            mirrored.update(
                zip(part, await client.mget([mirror.PREFIX + user for user in part]), strict=True)
            )
    finally:
        await client.aclose()
    stale = 0
    for user, ids in of_user.items():
        counted = view(user_row.decode(latest[user]).profile).payments if user in latest else 0
        if counted != len(ids):
            found.miscounted += 1
            found.faults.append(f"user {user}: {counted} counted, {len(ids)} accepted")
        stale += mirrored[user] != latest.get(user)
    if stale:
        found.faults.append(f"{stale} rows in Redis are not the table's")


async def _features(
    brokers: str, scored: Mapping[str, dict[str, Any]], found: AuditResult, *, by_occurred: bool
) -> None:
    history, seen = [], set()
    for record in await read_topic(brokers, topics.RAW):
        if dict(record.headers or ()).get("fraud_rerouted") is None and not _at_home(record):
            continue  # its copy in the user's own partition counts
        try:
            transaction = Transaction.model_validate_json(record.value)
        except ValueError:
            continue
        if transaction.transaction_id not in seen:
            seen.add(transaction.transaction_id)
            history.append(
                (transaction, occurred_ms(transaction) if by_occurred else record.timestamp)
            )
    shared = {
        identity: Signals(*(_number(message["features"][place]) for place in SHARED))
        for identity, message in scored.items()
        if message["features"] is not None
    }
    kept = [
        (transaction, at) for transaction, at in history if transaction.transaction_id in shared
    ]
    if len(kept) < len(history):
        found.faults.append(f"{len(history) - len(kept)} decisions have no features")
        return
    for one in replay(history, shared):
        live = [_number(value) for value in scored[one.transaction.transaction_id]["features"]]
        offline = one.features.tolist()
        found.features_compared += len(NAMES)
        different = [
            name
            for name, a, b in zip(NAMES, live, offline, strict=True)
            if not (a == b or (a != a and b != b))
        ]
        found.features_equal += len(NAMES) - len(different)
        if different:
            found.faults.append(
                f"{one.transaction.transaction_id}: features differ: {', '.join(different)}"
            )
    equal = total = 0
    for one in replay(sorted(history, key=lambda pair: pair[1])):
        live_shared = shared[one.transaction.transaction_id]
        for place, value in zip(SHARED, live_shared, strict=True):
            ideal = float(one.features[place])
            equal += value == ideal or (value != value and ideal != ideal)
            total += 1
    found.shared_equal = equal / max(total, 1)


def _at_home(record: ConsumerRecord) -> bool:
    try:
        user = orjson.loads(record.value)["user_id"]
    except (ValueError, KeyError, TypeError):
        return True
    home: bool = partition_of(user, Kafka().partitions) == record.partition
    return home


def _sets(name: str, wanted: set[str], there: set[str], found: AuditResult) -> None:
    lost, extra = wanted - there, there - wanted
    if lost:
        found.faults.append(f"{name} lacks {len(lost)}, such as {min(lost)}")
    if extra:
        found.faults.append(
            f"{name} has {len(extra)} that were never accepted, such as {min(extra)}"
        )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[Any]:
    await consumer._client.force_metadata_update()
    numbers = consumer._client.cluster.partitions_for_topic(topic)
    while not numbers:
        await consumer._client.set_topics([topic])
        numbers = consumer._client.cluster.partitions_for_topic(topic)
    return [TopicPartition(topic, number) for number in sorted(numbers)]
