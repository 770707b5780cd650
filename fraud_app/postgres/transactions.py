"""The table of decided transactions. Each is stored once, however often it is delivered, and is
read in pages ordered by time. A stored decision must never be changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import orjson

from fraud_app.contracts import currency
from fraud_app.postgres import breakdown_rollup, decision_rollup, review_queue

_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape itself, not the six characters behind an escaped backslash."""


class Row(NamedTuple):
    """A scored message, and its fields that are columns of the table."""

    transaction_id: str
    user_id: str
    merchant_id: str
    category: str
    amount: Decimal
    currency: str
    device_id: str | None
    ip: str | None
    country: str | None
    card: str | None
    decision: str
    risk_score: int
    probability: float | None
    latency_ms: float
    model: str | None
    occurred_at: datetime | None
    received_at: datetime
    scored_at: datetime
    scored: str
    """The whole message, as JSON."""


_COLUMN_TYPES = {
    "amount": "numeric",
    "risk_score": "smallint",
    "probability": "double precision",
    "latency_ms": "double precision",
    "occurred_at": "timestamptz",
    "received_at": "timestamptz",
    "scored_at": "timestamptz",
    "scored": "json",
}
_ARRAYS = ", ".join(
    f"${number}::{_COLUMN_TYPES.get(name, 'text')}[]" for number, name in enumerate(Row._fields, 1)
)
_INSERT = f"""
INSERT INTO transactions ({", ".join(Row._fields)}) SELECT * FROM unnest({_ARRAYS})
ON CONFLICT (transaction_id) DO NOTHING RETURNING transaction_id
"""  # noqa: S608 - names of our own columns
_GET = "SELECT scored, stored_at FROM transactions WHERE transaction_id = $1"
_HAS_REASON = (
    "EXISTS (SELECT FROM json_array_elements(scored -> 'reasons') AS r WHERE r ->> 'code' = {})"
)
_IS_ANY_ID = "(transaction_id = {0} OR user_id = {0} OR device_id = {0} OR card = {0} OR ip = {0})"


def parse_row(message: bytes) -> Row:
    """The row of a message from `transactions.scored`. Raises `ValueError` or `KeyError` when the
    message is anything else.
    """
    scored = orjson.loads(message)
    model = scored["model"]
    return Row(
        transaction_id=scored["transaction_id"],
        user_id=scored["user_id"],
        merchant_id=scored["merchant_id"],
        category=scored["category"],
        amount=Decimal(scored["amount"]),
        currency=scored["currency"],
        device_id=scored["device_id"],
        ip=scored["ip"],
        country=scored["country"],
        card=scored["payment_method"]["fingerprint"],
        decision=scored["decision"],
        risk_score=scored["risk_score"],
        probability=scored["probability"],
        latency_ms=scored["latency_ms"]["total"],
        model=f"{model['name']}:{model['version']}" if model else None,
        occurred_at=scored["occurred_at"] and datetime.fromisoformat(scored["occurred_at"]),
        received_at=datetime.fromisoformat(scored["received_at"]),
        scored_at=datetime.fromisoformat(scored["scored_at"]),
        scored=_without_nul(message).decode(),
    )


def _without_nul(message: bytes) -> bytes:
    """The JSON text as PostgreSQL can read it: it stores an escaped NUL and then fails whenever it
    looks into the text. The replacement character takes its place.
    """
    if rb"\u0000" not in message:
        return message
    return _ESCAPED_NUL.sub(rb"\1\\ufffd", message)


async def store(connection: asyncpg.Connection, rows: Sequence[Row]) -> int:
    """Store rows, add them to the rollups and put those for review into the queue, all in one
    database transaction. Rows that are stored already change nothing. Returns how many were new.
    """
    async with connection.transaction():
        inserted = await connection.fetch(_INSERT, *map(list, zip(*rows, strict=True)))
        new_ids = {record[0] for record in inserted}
        if new_ids:
            by_id = {row.transaction_id: row for row in rows}
            new_rows = [row for identity, row in by_id.items() if identity in new_ids]
            await _add_to_rollups_and_queue(connection, new_rows)
        return len(new_ids)


async def _add_to_rollups_and_queue(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    euro_cents = [currency.euro_cents(row.amount, row.currency) for row in rows]
    await decision_rollup.add(
        connection,
        [
            (row.scored_at, row.decision, row.risk_score, row.latency_ms, cents)
            for row, cents in zip(rows, euro_cents, strict=True)
        ],
    )
    await breakdown_rollup.add(
        connection,
        [
            breakdown_rollup.BreakdownEntry(
                row.scored_at, row.decision, row.country, cents, _reason_codes(row)
            )
            for row, cents in zip(rows, euro_cents, strict=True)
        ],
    )
    await review_queue.add(
        connection,
        [
            review_queue.NewItem(row.transaction_id, _expected_loss(row, cents), row.scored_at)
            for row, cents in zip(rows, euro_cents, strict=True)
            if row.decision == "review"
        ],
    )


def _reason_codes(row: Row) -> list[str]:
    """Codes of the reasons; empty for an approved transaction."""
    if row.decision == "approve":
        return []
    return [reason["code"] for reason in orjson.loads(row.scored)["reasons"]]


def _expected_loss(row: Row, cents: int) -> float:
    """The average cost in euro of approving the transaction: its probability of fraud times its
    amount. Without a model, the risk score stands for the probability.
    """
    probability = row.risk_score / 100 if row.probability is None else row.probability
    return probability * cents / 100


class TransactionFilter(NamedTuple):
    """Conditions of a list; all that are given must hold. None does not filter."""

    decisions: tuple[str, ...] | None = None
    min_score: int | None = None
    max_score: int | None = None
    user_id: str | None = None
    country: str | None = None
    reason: str | None = None
    """Code of a reason; only flagged decisions have any."""
    q: str | None = None
    """Exactly this id of a transaction, customer, device or card, or this address."""
    since: datetime | None = None
    until: datetime | None = None


async def page(
    connection: asyncpg.Pool,
    row_filter: TransactionFilter,
    limit: int,
    after: tuple[datetime, str] | None,
) -> list[tuple[datetime, str, str]]:
    """At most `limit` rows (scored at, id, scored JSON), newest first. `after` is the time and the
    id of the last row of the page before.
    """
    conditions, values = _conditions(row_filter)
    if after is not None:
        after_time, after_id = f"${len(values) + 1}", f"${len(values) + 2}"
        conditions.append(f"(scored_at, transaction_id) < ({after_time}, {after_id})")
        values.extend(after)
    values.append(limit)
    records = await connection.fetch(
        "SELECT scored_at, transaction_id, scored FROM transactions"  # noqa: S608 - conditions are literals, values are bound
        + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        + f" ORDER BY scored_at DESC, transaction_id DESC LIMIT ${len(values)}",
        *values,
    )
    return [(record[0], record[1], record[2]) for record in records]


def _conditions(row_filter: TransactionFilter) -> tuple[list[str], list[Any]]:
    """SQL conditions with numbered parameters, and the values of these parameters in order."""
    conditions: list[str] = []
    values: list[Any] = []

    def where(condition: str, *arguments: Any) -> None:
        parameters = [f"${len(values) + number}" for number in range(1, len(arguments) + 1)]
        conditions.append(condition.format(*parameters))
        values.extend(arguments)

    if row_filter.decisions is not None:
        where("decision = ANY({}::text[])", list(row_filter.decisions))
        if "approve" not in row_filter.decisions:
            # Lets PostgreSQL use the partial index of flagged decisions.
            where("decision <> 'approve'")
    if row_filter.min_score is not None:
        where("risk_score >= {}", row_filter.min_score)
    if row_filter.max_score is not None:
        where("risk_score <= {}", row_filter.max_score)
    if row_filter.user_id is not None:
        where("user_id = {}", row_filter.user_id)
    if row_filter.country == breakdown_rollup.UNKNOWN:
        where("country IS NULL")
    elif row_filter.country is not None:
        where("country = {}", row_filter.country)
    if row_filter.reason is not None:
        where("decision <> 'approve'")
        where(_HAS_REASON, row_filter.reason)
    if row_filter.q is not None:
        where(_IS_ANY_ID, row_filter.q)
    if row_filter.since is not None:
        where("scored_at >= {}", row_filter.since)
    if row_filter.until is not None:
        where("scored_at < {}", row_filter.until)
    return conditions, values


class StoredTransaction(NamedTuple):
    """A decided transaction and when it was stored."""

    scored: str
    stored_at: datetime


async def get(connection: asyncpg.Pool, transaction_id: str) -> StoredTransaction | None:
    """A decided transaction; None when it is not stored (yet)."""
    record = await connection.fetchrow(_GET, transaction_id)
    return StoredTransaction(*record) if record else None
