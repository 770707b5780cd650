"""The table of decided transactions. Each is stored once, however often it is delivered. A stored
decision must never be changed; only the issuer's answer may follow later. The table is read by
`transaction_list` and `transaction_lookup`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import asyncpg

from fraud_app.contracts import currency
from fraud_app.contracts.scored import read_scored
from fraud_app.contracts.transaction_key import TransactionKey
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

    @property
    def key(self) -> TransactionKey:
        """What names the transaction."""
        return TransactionKey(self.user_id, self.transaction_id)


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
ON CONFLICT (transaction_id, user_id) DO NOTHING RETURNING user_id, transaction_id
"""  # noqa: S608 - names of our own columns

_STORE_ANSWERS = """
UPDATE transactions AS stored
SET scored = jsonb_set(stored.scored::jsonb, '{issuer_response}', to_jsonb(answer))::json
FROM unnest($1::text[], $2::text[], $3::text[]) AS later (user_id, transaction_id, answer)
WHERE stored.transaction_id = later.transaction_id AND stored.user_id = later.user_id
    AND stored.scored ->> 'issuer_response' IS DISTINCT FROM answer
"""


def parse_row(message: bytes) -> Row:
    """The row of a message from `transactions.scored`. Raises `ValueError` or `KeyError` when the
    message is anything else.
    """
    scored = read_scored(message)
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
    database transaction. A row that is stored already changes nothing but the issuer's answer.
    Returns how many were new.
    """
    async with connection.transaction():
        inserted = await connection.fetch(_INSERT, *map(list, zip(*rows, strict=True)))
        new_keys = {TransactionKey(*record) for record in inserted}
        if new_keys:
            by_key = {row.key: row for row in rows}
            new_rows = [row for key, row in by_key.items() if key in new_keys]
            await _add_to_rollups_and_queue(connection, new_rows)
        if len(new_keys) < len(rows):
            await _store_answers(connection, rows)
        return len(new_keys)


async def _store_answers(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Store the issuer's latest answer of each transaction; a message without one changes none."""
    latest = {
        row.key: answer
        for row in rows
        if (answer := read_scored(row.scored).get("issuer_response")) is not None
    }
    if latest:
        columns = zip(*((*key, answer) for key, answer in latest.items()), strict=True)
        await connection.execute(_STORE_ANSWERS, *map(list, columns))


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
            review_queue.NewItem(*row.key, _expected_loss(row, cents), row.scored_at)
            for row, cents in zip(rows, euro_cents, strict=True)
            if row.decision == "review"
        ],
    )


def _reason_codes(row: Row) -> list[str]:
    """Codes of the reasons; empty for an approved transaction."""
    if row.decision == "approve":
        return []
    return [reason["code"] for reason in read_scored(row.scored)["reasons"]]


def _expected_loss(row: Row, cents: int | None) -> float | None:
    """The average cost in euro of approving the transaction: its probability of fraud times its
    amount; None when that is not known in euro. Without a model, the risk score stands for the
    probability.
    """
    if cents is None:
        return None
    probability = row.risk_score / 100 if row.probability is None else row.probability
    return probability * cents / 100
