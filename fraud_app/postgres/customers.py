"""Summary of one customer: the totals of all their stored transactions, and the devices, countries,
addresses, cards and merchants of the latest ones. This module only reads.
"""

from __future__ import annotations

from typing import Any

import asyncpg

RECENT = 1_000
"""Only the latest transactions are grouped, so that a busy customer is not slow to read."""
MAX_VALUES = 8
"""Rows of each kind; more do not fit on the page."""
ENTITY_COLUMNS = {
    "devices": "device_id",
    "countries": "country",
    "addresses": "ip",
    "cards": "card",
    "merchants": "merchant_id",
}

_TOTALS = """
SELECT count(*) AS payments, min(scored_at) AS first_at, max(scored_at) AS last_at,
    count(*) FILTER (WHERE decision = 'approve') AS approve,
    count(*) FILTER (WHERE decision = 'review') AS review,
    count(*) FILTER (WHERE decision = 'block') AS block
FROM transactions WHERE user_id = $1
"""
# The only interpolated values are our own column names and limits.
_ENTITIES = {
    name: f"""
SELECT {column} AS value, count(*) AS payments,
    count(*) FILTER (WHERE decision <> 'approve') AS flagged,
    min(scored_at) AS first_at, max(scored_at) AS last_at
FROM (SELECT {column}, decision, scored_at FROM transactions
    WHERE user_id = $1 ORDER BY scored_at DESC LIMIT {RECENT}) AS latest
WHERE {column} IS NOT NULL GROUP BY {column} ORDER BY last_at DESC LIMIT {MAX_VALUES}
"""  # noqa: S608 - our own columns
    for name, column in ENTITY_COLUMNS.items()
}
_FRAUD = """
SELECT count(DISTINCT transaction_id) FROM labels
    JOIN transactions t USING (user_id, transaction_id)
WHERE t.user_id = $1 AND is_fraud
"""


async def totals(connection: asyncpg.Pool, user_id: str) -> Any:
    """One row: payments (the number of transactions), first_at, last_at, and the count of each
    decision.
    """
    return await connection.fetchrow(_TOTALS, user_id)


async def entities(connection: asyncpg.Pool, user_id: str) -> dict[str, list[Any]]:
    """Devices, countries, addresses, cards and merchants of the latest thousand transactions, the
    most recently used first. Each row: value, payments, flagged, first_at and last_at.
    """
    return {name: await connection.fetch(query, user_id) for name, query in _ENTITIES.items()}


async def fraud_count(connection: asyncpg.Pool, user_id: str) -> int:
    """The number of the customer's transactions that are labelled as fraud."""
    count: int = await connection.fetchval(_FRAUD, user_id)
    return count
