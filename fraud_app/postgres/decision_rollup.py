"""Counts of decisions in buckets of ten seconds, by decision, risk score and latency. The dashboard
reads them instead of the whole history. They are written in the database transaction that stores
the rows, and must never be written outside it: so each transaction is counted once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from fraud_app.postgres.rollup import add_counts

BUCKET_S = 10
SCORE_BIN = 5
"""Width of a bin of risk scores, which run from 0 to 99."""
LATENCY_EDGES_MS = (0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 250, 500, 1000, 5000)
"""Upper edges of the latency bins. One more bin holds every slower decision. 50 ms is an edge,
because it is the latency that we promise.
"""

RollupEntry = tuple[datetime, str, int, float, int | None]
"""Scored at, decision, risk score, latency in ms, amount in euro cents (None: no rate known)."""

_UPSERT = """
INSERT INTO decision_rollup (bucket, decision, score_bin, latency_bin, transactions, amount_eur)
SELECT * FROM unnest(
    $1::timestamptz[], $2::text[], $3::smallint[], $4::smallint[], $5::bigint[], $6::numeric[])
ON CONFLICT (bucket, decision, score_bin, latency_bin) DO UPDATE SET
    transactions = decision_rollup.transactions + excluded.transactions,
    amount_eur = decision_rollup.amount_eur + excluded.amount_eur
"""
_BETWEEN = """
SELECT date_bin(make_interval(secs => $3), bucket, 'epoch') AS bucket, decision, score_bin,
    latency_bin, sum(transactions)::bigint AS transactions, sum(amount_eur) AS amount_eur
FROM decision_rollup WHERE bucket >= $1 AND bucket < $2 GROUP BY 1, 2, 3, 4
"""


async def add(connection: asyncpg.Connection, entries: Sequence[RollupEntry]) -> None:
    """Add decisions to the counts of their buckets."""
    await add_counts(connection, _UPSERT, ((_key(entry), entry[-1]) for entry in entries))


def _key(entry: RollupEntry) -> tuple[datetime, str, int, int]:
    at, decision, score, latency, _ = entry
    seconds = int(at.timestamp()) // BUCKET_S * BUCKET_S
    bucket = datetime.fromtimestamp(seconds, UTC)
    return bucket, decision, score // SCORE_BIN, bisect_left(LATENCY_EDGES_MS, latency)


async def between(
    connection: asyncpg.Pool, start: datetime, end: datetime, step_s: int
) -> list[Any]:
    """Rows from `start` up to, but without, `end`, summed in steps of `step_s` seconds since 1970.
    So a span of a day has as few rows as one of an hour.
    """
    rows: list[Any] = await connection.fetch(_BETWEEN, start, end, step_s)
    return rows


def percentile(bins: Counter[int], share: float) -> float | None:
    """The latency in ms below which this share (0 to 1) of the decisions lies, linear within its
    bin. None when the bins are empty.

    >>> percentile(Counter({3: 10}), 0.5)
    2.5
    """
    total = sum(bins.values())
    if not total:
        return None
    target, count_below = share * total, 0.0
    for index in sorted(bins):
        low = LATENCY_EDGES_MS[index - 1] if index else 0.0
        high = LATENCY_EDGES_MS[index] if index < len(LATENCY_EDGES_MS) else LATENCY_EDGES_MS[-1]
        if count_below + bins[index] >= target:
            return low + (high - low) * (target - count_below) / bins[index]
        count_below += bins[index]
    return LATENCY_EDGES_MS[-1]


def latency_bins(rows: Iterable[Any]) -> Counter[int]:
    """Latency histogram of rollup rows: transactions by number of the bin."""
    bins: Counter[int] = Counter()
    for row in rows:
        bins[row["latency_bin"]] += row["transactions"]
    return bins
