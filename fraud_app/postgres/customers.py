"""What is stored of one customer, summed up from their latest payments."""

from __future__ import annotations

from typing import Any

import asyncpg

RECENT = 1_000
MAX_VALUES = 8
USED = {
    "devices": "device_id",
    "countries": "country",
    "addresses": "ip",
    "cards": "card",
    "merchants": "merchant_id",
}

_SUMS = """
SELECT count(*) AS payments, min(scored_at) AS first_at, max(scored_at) AS last_at,
    count(*) FILTER (WHERE decision = 'approve') AS approve, count(*) FILTER (WHERE decision = 'review') AS review,
    count(*) FILTER (WHERE decision = 'block') AS block
FROM transactions WHERE user_id = $1
"""
_USED = {
    name: f"SELECT {column} AS value, count(*) AS payments, count(*) FILTER (WHERE decision <> 'approve') AS flagged, "  # noqa: S608 - our own columns
    f"min(scored_at) AS first_at, max(scored_at) AS last_at FROM (SELECT {column}, decision, scored_at FROM transactions "
    f"WHERE user_id = $1 ORDER BY scored_at DESC LIMIT {RECENT}) AS latest WHERE {column} IS NOT NULL "
    f"GROUP BY {column} ORDER BY last_at DESC LIMIT {MAX_VALUES}"
    for name, column in USED.items()
}
_FRAUD = """
SELECT count(DISTINCT transaction_id) FROM labels JOIN transactions t USING (transaction_id) WHERE t.user_id = $1 AND is_fraud
"""


async def totals(connection: asyncpg.Pool, user_id: str) -> Any:
    """Payments, first_at, last_at and the count of each decision."""
    return await connection.fetchrow(_SUMS, user_id)


async def entities(connection: asyncpg.Pool, user_id: str) -> dict[str, list[Any]]:
    """Devices, countries, addresses, cards and merchants of the latest thousand payments, most
    recently used first.
    """
    return {name: await connection.fetch(query, user_id) for name, query in _USED.items()}


async def fraud_count(connection: asyncpg.Pool, user_id: str) -> int:
    """How many of their payments are labelled as fraud."""
    count: int = await connection.fetchval(_FRAUD, user_id)
    return count
