"""The table of decided transactions: stored once however often they come, read in pages by time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import orjson

from fraud_app.contracts import currency
from fraud_app.postgres import breakdown_rollup, decision_rollup, review_queue


class Row(NamedTuple):
    """A scored message and the columns that are searched by."""

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
    occurred_at: datetime
    received_at: datetime
    scored_at: datetime
    scored: str


_TYPES = {
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
    f"${place}::{_TYPES.get(name, 'text')}[]" for place, name in enumerate(Row._fields, 1)
)
_INSERT = (
    f"INSERT INTO transactions ({', '.join(Row._fields)}) SELECT * FROM unnest({_ARRAYS}) "  # noqa: S608 - names of our own columns
    "ON CONFLICT (transaction_id) DO NOTHING RETURNING transaction_id"
)


def row_of(message: bytes) -> Row:
    """The row of a message from `transactions.scored`. Raises `ValueError` or `KeyError` for
    anything else.
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
        occurred_at=datetime.fromisoformat(scored["occurred_at"]),
        received_at=datetime.fromisoformat(scored["received_at"]),
        scored_at=datetime.fromisoformat(scored["scored_at"]),
        scored=message.decode(),
    )


async def store(connection: asyncpg.Connection, rows: Sequence[Row]) -> int:
    """Store rows and count them in the rollup, in one transaction; those that are there already
    change nothing.

    Returns how many were new.
    """
    async with connection.transaction():
        new = {
            record[0]
            for record in await connection.fetch(_INSERT, *map(list, zip(*rows, strict=True)))
        }
        if new:
            fresh = [
                row
                for identity, row in {row.transaction_id: row for row in rows}.items()
                if identity in new
            ]
            cents = [currency.euro_cents(row.amount, row.currency) for row in fresh]
            await decision_rollup.add(
                connection,
                [
                    (row.scored_at, row.decision, row.risk_score, row.latency_ms, spent)
                    for row, spent in zip(fresh, cents, strict=True)
                ],
            )
            await breakdown_rollup.add(
                connection,
                [
                    breakdown_rollup.BreakdownEntry(
                        row.scored_at, row.decision, row.country, spent, _reasons(row)
                    )
                    for row, spent in zip(fresh, cents, strict=True)
                ],
            )
            await review_queue.add(
                connection,
                [
                    review_queue.NewItem(
                        row.transaction_id, _expected_loss(row, spent), row.scored_at
                    )
                    for row, spent in zip(fresh, cents, strict=True)
                    if row.decision == "review"
                ],
            )
        return len(new)


def _reasons(row: Row) -> list[str]:
    return (
        []
        if row.decision == "approve"
        else [reason["code"] for reason in orjson.loads(row.scored)["reasons"]]
    )


def _expected_loss(row: Row, cents: int) -> float:
    """What approving it would cost on average, in euro; without a model the score stands for the
    probability.
    """
    return (row.risk_score / 100 if row.probability is None else row.probability) * cents / 100


class TransactionFilter(NamedTuple):
    """What a list shows. None does not filter."""

    decisions: tuple[str, ...] | None = None
    min_score: int | None = None
    max_score: int | None = None
    user_id: str | None = None
    country: str | None = None
    reason: str | None = None
    """Code of a reason; only flagged decisions have any."""
    q: str | None = None
    """Exactly this id of a transaction, customer, device, card, or address."""
    since: datetime | None = None
    until: datetime | None = None


async def page(
    connection: asyncpg.Pool,
    wanted: TransactionFilter,
    limit: int,
    after: tuple[datetime, str] | None,
) -> list[tuple[datetime, str, str]]:
    """Newest first: (scored at, id, scored JSON), at most `limit`. `after`: time and id of the last
    one already seen.
    """
    conditions: list[str] = []
    values: list[Any] = []

    def where(condition: str, *given: Any) -> None:
        places = [f"${len(values) + place}" for place in range(1, len(given) + 1)]
        conditions.append(condition.format(*places))
        values.extend(given)

    if wanted.decisions is not None:
        where("decision = ANY({}::text[])", list(wanted.decisions))
        if "approve" not in wanted.decisions:
            where("decision <> 'approve'")
    if wanted.min_score is not None:
        where("risk_score >= {}", wanted.min_score)
    if wanted.max_score is not None:
        where("risk_score <= {}", wanted.max_score)
    if wanted.user_id is not None:
        where("user_id = {}", wanted.user_id)
    if wanted.country == breakdown_rollup.UNKNOWN:
        where("country IS NULL")
    elif wanted.country is not None:
        where("country = {}", wanted.country)
    if wanted.reason is not None:
        where("decision <> 'approve'")
        where(
            "EXISTS (SELECT FROM json_array_elements(scored -> 'reasons') AS r WHERE r ->> 'code' = {})",
            wanted.reason,
        )
    if wanted.q is not None:
        where(
            "(transaction_id = {0} OR user_id = {0} OR device_id = {0} OR card = {0} OR ip = {0})",
            wanted.q,
        )
    if wanted.since is not None:
        where("scored_at >= {}", wanted.since)
    if wanted.until is not None:
        where("scored_at < {}", wanted.until)
    if after is not None:
        where("(scored_at, transaction_id) < ({}, {})", *after)
    values.append(limit)
    records = await connection.fetch(
        "SELECT scored_at, transaction_id, scored FROM transactions"  # noqa: S608 - conditions are literals above, values are bound
        + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        + f" ORDER BY scored_at DESC, transaction_id DESC LIMIT ${len(values)}",
        *values,
    )
    return [(record[0], record[1], record[2]) for record in records]


class StoredTransaction(NamedTuple):
    """A decided transaction and when it was stored."""

    scored: str
    stored_at: datetime


async def get(connection: asyncpg.Pool, transaction_id: str) -> StoredTransaction | None:
    """A decided transaction; None when it is not stored (yet)."""
    found = await connection.fetchrow(
        "SELECT scored, stored_at FROM transactions WHERE transaction_id = $1", transaction_id
    )
    return StoredTransaction(*found) if found else None
