"""Counts of decisions by country, by reason and by hour, each transaction once. They are written in
the database transaction that stores the rows, like `decision_rollup`, and must never be written
outside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from fraud_app.postgres.rollup import add_counts

UNKNOWN = "unknown"
"""Stands for a transaction without a country, since a key column cannot be null."""
MAX_VALUES = 12
"""The number of countries or reasons that are returned. A chart with more cannot be read."""

_UPSERT = """
INSERT INTO breakdown_rollup (kind, bucket, value, decision, transactions, amount_eur)
SELECT * FROM unnest(
    $1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::numeric[])
ON CONFLICT (kind, bucket, value, decision) DO UPDATE SET
    transactions = breakdown_rollup.transactions + excluded.transactions,
    amount_eur = breakdown_rollup.amount_eur + excluded.amount_eur
"""
_BY_KIND = """
SELECT value, sum(transactions) FILTER (WHERE decision = 'approve') AS approve,
    sum(transactions) FILTER (WHERE decision = 'review') AS review,
    sum(transactions) FILTER (WHERE decision = 'block') AS block,
    sum(amount_eur) FILTER (WHERE decision <> 'approve') AS flagged_eur
FROM breakdown_rollup WHERE kind = $1 AND bucket >= $2 GROUP BY value
ORDER BY sum(transactions) FILTER (WHERE decision <> 'approve') DESC NULLS LAST,
    sum(transactions) DESC, value LIMIT $3
"""
_BY_HOUR = """
SELECT bucket, sum(transactions) AS transactions,
    coalesce(sum(transactions) FILTER (WHERE decision <> 'approve'), 0) AS flagged
FROM breakdown_rollup WHERE kind = 'hour' AND bucket >= $1 GROUP BY bucket ORDER BY bucket
"""


class BreakdownEntry(NamedTuple):
    """The parts of one decision that are counted here."""

    at: datetime
    decision: str
    country: str | None
    cents: int | None
    """Amount in euro cents; None when no rate is known."""
    reasons: Sequence[str]
    """Codes of the reasons; empty for an approved transaction."""


async def add(connection: asyncpg.Connection, entries: Iterable[BreakdownEntry]) -> None:
    """Add decisions to the counts of their country, hour and reasons."""
    counted = ((key, entry.cents) for entry in entries for key in _keys(entry))
    await add_counts(connection, _UPSERT, counted)


def _keys(entry: BreakdownEntry) -> Iterator[tuple[str, datetime, str, str]]:
    minute = entry.at.replace(second=0, microsecond=0)
    yield "country", minute, entry.country or UNKNOWN, entry.decision
    yield "hour", minute.replace(minute=0), "", entry.decision
    for code in entry.reasons:
        yield "reason", minute, code, entry.decision


async def by_kind(connection: asyncpg.Pool, kind: str, start: datetime) -> list[Any]:
    """Rows of `kind` ("country" or "reason") since `start`: value, approve, review, block and
    flagged_eur. At most 12 rows, those with the most flagged decisions first.
    """
    rows: list[Any] = await connection.fetch(_BY_KIND, kind, start, MAX_VALUES)
    return rows


async def by_hour(connection: asyncpg.Pool, start: datetime) -> list[Any]:
    """Rows of each hour (UTC) since `start`: bucket, transactions and flagged."""
    rows: list[Any] = await connection.fetch(_BY_HOUR, start)
    return rows
