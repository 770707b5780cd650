"""Counts in buckets of ten seconds by decision, score and latency: what the dashboard asks for,
without reading the history.

Written in the very transaction that stores the rows, so each transaction is counted once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

BUCKET_S = 10
SCORE_BIN = 5
LATENCY_EDGES_MS = (0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 250, 500, 1000, 5000)
"""Upper edges; one more bin holds what is slower. 50 ms is the promise."""

RollupEntry = tuple[datetime, str, int, float, int]
"""scored at, decision, risk score, latency in ms, euro cents"""

_UPSERT = """
INSERT INTO decision_rollup (bucket, decision, score_bin, latency_bin, transactions, amount_eur)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::smallint[], $4::smallint[], $5::bigint[], $6::numeric[])
ON CONFLICT (bucket, decision, score_bin, latency_bin) DO UPDATE SET
    transactions = decision_rollup.transactions + excluded.transactions,
    amount_eur = decision_rollup.amount_eur + excluded.amount_eur
"""
_WINDOW = """
SELECT date_bin(make_interval(secs => $3), bucket, 'epoch') AS bucket, decision, score_bin, latency_bin,
    sum(transactions)::bigint AS transactions, sum(amount_eur) AS amount_eur
FROM decision_rollup WHERE bucket >= $1 AND bucket < $2 GROUP BY 1, 2, 3, 4
"""


async def add(connection: asyncpg.Connection, decided: Sequence[RollupEntry]) -> None:
    """Add these decisions to their buckets, in a fixed order so that writers cannot deadlock."""
    counts: Counter[tuple[datetime, str, int, int]] = Counter()
    cents: Counter[tuple[datetime, str, int, int]] = Counter()
    for at, decision, score, latency, amount in decided:
        seconds = int(at.timestamp()) // BUCKET_S * BUCKET_S
        key = (
            datetime.fromtimestamp(seconds, UTC),
            decision,
            score // SCORE_BIN,
            bisect_left(LATENCY_EDGES_MS, latency),
        )
        counts[key] += 1
        cents[key] += amount
    keys = sorted(counts)
    columns = [list(column) for column in zip(*keys, strict=True)]
    await connection.execute(
        _UPSERT, *columns, [counts[key] for key in keys], [cents[key] / 100 for key in keys]
    )


async def between(
    connection: asyncpg.Pool, start: datetime, end: datetime, step_s: int
) -> list[Any]:
    """The rollup of a span, summed up in steps of so many seconds since 1970; a span of a day is as
    few rows as one of an hour.
    """
    rows: list[Any] = await connection.fetch(_WINDOW, start, end, step_s)
    return rows


def percentile(bins: Counter[int], share: float) -> float | None:
    """The latency in ms below which this share lies, linear within its bin; None without any.

    >>> percentile(Counter({3: 10}), 0.5)
    2.5
    """
    total = sum(bins.values())
    if not total:
        return None
    wanted, seen = share * total, 0.0
    for place in sorted(bins):
        low = LATENCY_EDGES_MS[place - 1] if place else 0.0
        high = LATENCY_EDGES_MS[place] if place < len(LATENCY_EDGES_MS) else LATENCY_EDGES_MS[-1]
        if seen + bins[place] >= wanted:
            return low + (high - low) * (wanted - seen) / bins[place]
        seen += bins[place]
    return LATENCY_EDGES_MS[-1]


def latency_bins(rows: Iterable[Any]) -> Counter[int]:
    """Latency histogram of rollup rows."""
    bins: Counter[int] = Counter()
    for row in rows:
        bins[row["latency_bin"]] += row["transactions"]
    return bins
