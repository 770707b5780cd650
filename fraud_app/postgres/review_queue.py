"""The review queue: transactions that wait for an analyst, the largest expected loss first. An
analyst claims an item for a few minutes at a time, so that an item never stays with someone who has
gone home.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from fraud_app.contracts.transaction_key import TransactionKey

CLAIM_S = 300
"""How long a claim lasts: long enough to decide a case, and it can be renewed."""
SKIP_S = 3600
"""For how long an analyst does not see an item that they skipped. Other analysts do see it."""

_ENTER = """
INSERT INTO review_queue (user_id, transaction_id, expected_loss_eur, entered_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::double precision[], $4::timestamptz[])
ON CONFLICT DO NOTHING
"""
_OPEN = """
SELECT q.expected_loss_eur, q.entered_at,
    CASE WHEN q.taken_until > now() THEN q.taken_by END AS taken_by, q.taken_until, t.scored
FROM review_queue q JOIN transactions t USING (user_id, transaction_id)
WHERE q.closed_at IS NULL AND t.risk_score >= $2 AND ($3::text IS NULL OR t.user_id = $3)
    AND ($4::text IS NULL OR t.country = $4)
    AND NOT EXISTS (SELECT FROM verdicts s WHERE s.transaction_id = q.transaction_id
        AND s.user_id = q.user_id AND s.analyst = $1 AND s.verdict = 'skip'
        AND s.given_at > now() - make_interval(secs => $5)
        AND NOT EXISTS (SELECT FROM verdicts u WHERE u.undoes = s.verdict_id))
"""
ORDERS = {
    # A loss that is not known comes first, as null does in PostgreSQL: it may be the largest.
    "loss": "q.expected_loss_eur DESC, q.transaction_id",
    "age": "q.entered_at, q.transaction_id",
    "score": "t.risk_score DESC, q.transaction_id",
}
_SUMMARY = """
SELECT (SELECT count(*) FROM review_queue WHERE closed_at IS NULL) AS open,
    (SELECT min(entered_at) FROM review_queue WHERE closed_at IS NULL) AS oldest_at,
    count(*) FILTER (WHERE given_at > now() - interval '1 hour') AS verdicts_hour,
    count(*) AS verdicts_day,
    count(*) FILTER (WHERE verdict = 'approve') AS approved_day
FROM verdicts v
WHERE given_at > now() - interval '1 day' AND verdict IN ('approve', 'block', 'fraud')
    AND NOT EXISTS (SELECT FROM verdicts u WHERE u.undoes = v.verdict_id)
"""
_CLAIM = """
UPDATE review_queue SET taken_by = $3, taken_until = now() + make_interval(secs => $4)
WHERE user_id = $1 AND transaction_id = $2 AND closed_at IS NULL
    AND (taken_by IS NULL OR taken_by = $3 OR taken_until <= now())
RETURNING taken_until
"""
_RELEASE = """
UPDATE review_queue SET taken_by = NULL, taken_until = NULL
WHERE user_id = $1 AND transaction_id = $2 AND taken_by = $3
"""
_ITEM = """
SELECT expected_loss_eur, entered_at, CASE WHEN taken_until > now() THEN taken_by END AS taken_by,
    taken_until, closed_at
FROM review_queue WHERE user_id = $1 AND transaction_id = $2
"""


class NewItem(NamedTuple):
    """An item to put into the queue."""

    user_id: str
    transaction_id: str
    expected_loss_eur: float | None
    """None when the amount in euro is not known."""
    entered_at: datetime


class QueueFilter(NamedTuple):
    """Which part of the queue an analyst asks for, and in which order (a key of `ORDERS`)."""

    analyst: str
    order: str = "loss"
    min_score: int = 0
    user_id: str | None = None
    country: str | None = None


async def add(connection: asyncpg.Connection, items: Sequence[NewItem]) -> None:
    """Put items into the queue. Items that are in it already stay as they are."""
    if items:
        await connection.execute(_ENTER, *map(list, zip(*items, strict=True)))


async def open_items(connection: asyncpg.Pool, queue_filter: QueueFilter, limit: int) -> list[Any]:
    """At most `limit` open items that this analyst did not skip within the last hour. Each row:
    expected_loss_eur, entered_at, taken_by, taken_until and scored (JSON).
    """
    rows: list[Any] = await connection.fetch(
        f"{_OPEN} ORDER BY {ORDERS[queue_filter.order]} LIMIT $6",
        queue_filter.analyst,
        queue_filter.min_score,
        queue_filter.user_id,
        queue_filter.country,
        SKIP_S,
        limit,
    )
    return rows


async def summary(connection: asyncpg.Pool) -> Any:
    """One row: open (number of items), oldest_at, verdicts_hour, verdicts_day and approved_day."""
    return await connection.fetchrow(_SUMMARY)


async def claim(connection: asyncpg.Pool, key: TransactionKey, analyst: str) -> datetime | None:
    """Claim an open item, or renew the claim. Returns when the claim ends; None when another
    analyst has the item, or when it is not open.
    """
    until: datetime | None = await connection.fetchval(_CLAIM, *key, analyst, CLAIM_S)
    return until


async def release(connection: asyncpg.Pool, key: TransactionKey, analyst: str) -> None:
    """End this analyst's claim on an item; nothing happens when they do not have it."""
    await connection.execute(_RELEASE, *key, analyst)


async def item(connection: asyncpg.Pool, key: TransactionKey) -> Any:
    """The queue's row of a transaction; None when it was never in the queue."""
    return await connection.fetchrow(_ITEM, *key)
