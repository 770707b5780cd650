"""Payments that share something with one: its customer, device, address or card."""

from __future__ import annotations

from typing import Any

import asyncpg

MAX_RELATED = 10
BY = ("user_id", "device_id", "ip", "card")

_BRIEF = "transaction_id, user_id, amount, currency, country, decision, risk_score, scored_at"
# Ten of each, counted up to a hundred: "99+" says as much as a million, and no busy address can
# make the page slow.
_QUERIES = {
    column: f"SELECT {_BRIEF}, count(*) OVER () AS found FROM (SELECT {_BRIEF} FROM transactions WHERE {column} = $1 "  # noqa: S608 - our own columns
    f"AND transaction_id <> $2 ORDER BY scored_at DESC LIMIT 100) AS latest ORDER BY scored_at DESC LIMIT {MAX_RELATED}"
    for column in BY
}


async def related_to(
    connection: asyncpg.Pool, transaction_id: str, shared: dict[str, str | None]
) -> dict[str, list[Any]]:
    """The latest ten others by each thing that is known of the transaction."""
    return {
        column: await connection.fetch(_QUERIES[column], value, transaction_id)
        for column, value in shared.items()
        if value is not None
    }
