"""The delivery audit: was each accepted transaction scored, stored and counted exactly once, and
with the features that an offline replay computes?

It reads what the running system left behind (topics, changelog, Redis, PostgreSQL) and compares it
with what was accepted. It only reads and never repairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import redis.asyncio as redis
from pydantic_core import from_json

from devtools.audit.feature_audit import compare_features
from devtools.audit.result import AuditResult
from devtools.audit.topic_reader import read_topic
from fraud_app import topics
from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.decisions.assignment import SeenAssignments, assignment_of
from ml.profile.layout import view
from tables import mirror, user_row, user_table

__all__ = ["CHANGELOG", "AuditResult", "audit_delivery", "read_topic"]

CHANGELOG = f"fraud-scoring-{user_table.NAME}-changelog"
_READ_BATCH = 1000  # keys in one MGET: few round trips, and no answer that stops Redis for long
_DECISION_FIELDS = ("decision", "probability", "risk_score", "model")
"""What must be the same in every copy of a scored message."""


async def audit_delivery(
    environment: Mapping[str, str], accepted: Iterable[Mapping[str, Any]], *, by_occurred: bool
) -> AuditResult:
    """Compare everything that the system left behind with the accepted transactions.

    `environment`: the settings with the servers' addresses. `accepted`: the transactions that the
    system confirmed. `by_occurred`: whether the workers took the client's time as the ingest time.
    """
    brokers = environment["FRAUD_KAFKA__BROKERS"]
    accepted_keys = {_key_of(transaction) for transaction in accepted}
    accepted_of_user = Counter(key.user_id for key in accepted_keys)
    result = AuditResult(accepted=len(accepted_keys), users=len(accepted_of_user))
    await _check_postgres(environment["FRAUD_POSTGRES__DSN"], accepted_keys, result)
    scored = await _check_scored_topic(brokers, accepted_keys, result)
    await _check_user_rows(environment, accepted_of_user, result)
    await compare_features(brokers, scored, result, by_occurred=by_occurred)
    return result


def _key_of(message: Mapping[str, Any]) -> TransactionKey:
    """What names a transaction, as it was sent or scored."""
    return TransactionKey(message["user_id"], message["transaction_id"])


async def _check_postgres(
    dsn: str, accepted_keys: set[TransactionKey], result: AuditResult
) -> None:
    """Check the stored transactions and the sum of the decision rollup."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT user_id, transaction_id FROM transactions")
        rollup_count = await connection.fetchval(
            "SELECT coalesce(sum(transactions), 0) FROM decision_rollup"
        )
    finally:
        await connection.close()
    stored_keys = {TransactionKey(*row) for row in rows}
    result.stored = len(stored_keys)
    result.compare_keys("PostgreSQL", accepted_keys, stored_keys)
    if rollup_count != len(stored_keys):
        result.faults.append(
            f"the rollup counts {rollup_count} transactions, {len(stored_keys)} are stored"
        )


async def _check_scored_topic(
    brokers: str, accepted_keys: set[TransactionKey], result: AuditResult
) -> dict[TransactionKey, dict[str, Any]]:
    """Check the scored messages and return the first of each transaction.

    A message may be repeated, but its decision must not change. Of two copies, the first that has
    features is returned. Late copies by a worker that was taken for dead are left out, as by every
    reader.
    """
    records, seen = await read_topic(brokers, topics.SCORED), SeenAssignments()
    messages = [
        from_json(record.value)
        for record in records
        if not seen.is_stale(record.partition, record.offset, assignment_of(record.headers))
    ]
    result.late = len(records) - len(messages)
    scored: dict[TransactionKey, dict[str, Any]] = {}
    for message in messages:
        key = _key_of(message)
        earlier = scored.setdefault(key, message)
        changed = [name for name in _DECISION_FIELDS if earlier[name] != message[name]]
        if changed:
            result.faults.append(f"{key}: another copy differs in {', '.join(changed)}")
        if earlier["features"] is None and message["features"] is not None:
            scored[key] = message
    result.scored_messages, result.scored = len(records), len(scored)
    result.copies = len(records) - len(scored)
    result.probability = {key: message["probability"] for key, message in scored.items()}
    result.decision = {key: message["decision"] for key, message in scored.items()}
    result.compare_keys(topics.SCORED, accepted_keys, set(scored))
    return scored


async def _check_user_rows(
    environment: Mapping[str, str], accepted_of_user: Mapping[str, int], result: AuditResult
) -> None:
    """Check each user's count in the changelog, and that Redis mirrors the same row."""
    changelog_rows = {
        record.key[2:].decode(): record.value  # the key is `u:` and the user id
        for record in await read_topic(environment["FRAUD_KAFKA__BROKERS"], CHANGELOG)
        if record.key is not None and record.key.startswith(b"u:")
    }
    mirrored_rows = await _read_mirror(environment["FRAUD_REDIS__URL"], list(accepted_of_user))
    stale = 0
    for user_id, accepted in accepted_of_user.items():
        counted = _transactions_counted(changelog_rows.get(user_id))
        if counted != accepted:
            result.miscounted += 1
            result.faults.append(f"user {user_id}: {counted} counted, {accepted} accepted")
        stale += mirrored_rows[user_id] != changelog_rows.get(user_id)
    if stale:
        result.faults.append(f"{stale} rows in Redis are not the table's")


def _transactions_counted(row: bytes | None) -> int:
    """How many transactions an encoded user row has counted; 0 for a user without a row."""
    return view(user_row.decode(row).profile).payments if row is not None else 0


async def _read_mirror(url: str, user_ids: list[str]) -> dict[str, bytes | None]:
    """The mirrored row of each user in Redis; None for a user that has none."""
    rows: dict[str, bytes | None] = {}
    client = redis.from_url(url)
    try:
        for start in range(0, len(user_ids), _READ_BATCH):
            batch = user_ids[start : start + _READ_BATCH]
            values: list[Any] = await client.mget([mirror.PREFIX + user_id for user_id in batch])
            rows.update(zip(batch, values, strict=True))
    finally:
        await client.aclose()
    return rows
