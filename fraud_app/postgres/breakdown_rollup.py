"""Counts by country, by reason and by hour, each transaction once: written in the transaction that
stores the rows, like `rollup`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

UNKNOWN = "unknown"
MAX_VALUES = 12
"""Countries or reasons that are told; a chart of more says nothing."""

_UPSERT = """
INSERT INTO breakdown_rollup (kind, bucket, value, decision, transactions, amount_eur)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[], $6::numeric[])
ON CONFLICT (kind, bucket, value, decision) DO UPDATE SET
    transactions = breakdown_rollup.transactions + excluded.transactions,
    amount_eur = breakdown_rollup.amount_eur + excluded.amount_eur
"""
_OF_KIND = """
SELECT value, sum(transactions) FILTER (WHERE decision = 'approve') AS approve,
    sum(transactions) FILTER (WHERE decision = 'review') AS review, sum(transactions) FILTER (WHERE decision = 'block') AS block,
    sum(amount_eur) FILTER (WHERE decision <> 'approve') AS flagged_eur
FROM breakdown_rollup WHERE kind = $1 AND bucket >= $2 GROUP BY value
ORDER BY sum(transactions) FILTER (WHERE decision <> 'approve') DESC NULLS LAST, sum(transactions) DESC, value LIMIT $3
"""
_HOURS = """
SELECT bucket, sum(transactions) AS transactions, coalesce(sum(transactions) FILTER (WHERE decision <> 'approve'), 0) AS flagged
FROM breakdown_rollup WHERE kind = 'hour' AND bucket >= $1 GROUP BY bucket ORDER BY bucket
"""


class BreakdownEntry(NamedTuple):
    """What of a decision is counted here. `reasons`: codes, of flagged decisions."""

    at: datetime
    decision: str
    country: str | None
    cents: int
    reasons: Sequence[str]


async def add(connection: asyncpg.Connection, decided: Iterable[BreakdownEntry]) -> None:
    """Add these decisions, in a fixed order so that writers cannot deadlock."""
    counts: Counter[tuple[str, datetime, str, str]] = Counter()
    cents: Counter[tuple[str, datetime, str, str]] = Counter()
    for one in decided:
        minute = one.at.replace(second=0, microsecond=0)
        for key in (
            ("country", minute, one.country or UNKNOWN, one.decision),
            ("hour", minute.replace(minute=0), "", one.decision),
            *(("reason", minute, code, one.decision) for code in one.reasons),
        ):
            counts[key] += 1
            cents[key] += one.cents
    keys = sorted(counts)
    columns = [list(column) for column in zip(*keys, strict=True)]
    await connection.execute(
        _UPSERT, *columns, [counts[key] for key in keys], [cents[key] / 100 for key in keys]
    )


async def by_kind(connection: asyncpg.Pool, kind: str, start: datetime) -> list[Any]:
    """Countries or reasons since `start`, those with most flagged decisions first."""
    found: list[Any] = await connection.fetch(_OF_KIND, kind, start, MAX_VALUES)
    return found


async def by_hour(connection: asyncpg.Pool, start: datetime) -> list[Any]:
    """Decisions and flagged ones of each hour (UTC) since `start`."""
    found: list[Any] = await connection.fetch(_HOURS, start)
    return found
