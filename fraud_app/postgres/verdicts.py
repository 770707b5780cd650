"""Verdicts of the analysts: an append-only record of who judged which transaction, how and when. A
verdict is pending for ten seconds and can be undone until then. Afterwards its label goes to
`transactions.labels` at least once: a verdict leaves `verdicts_pending` only in the database
transaction that waited for the broker's acknowledgement. A label must never be lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from fraud_app.contracts.label import Label
from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.errors import FraudError
from fraud_app.postgres.review_queue import CLAIM_S

UNDO_WINDOW_S = 10
"""Long enough to notice a slip of the hand, and short enough not to delay the label."""
MAX_FINAL = 200
"""Labels in one database transaction, so that none stays open for long."""

_LOCK = """
SELECT taken_by, taken_until > now() AS taken FROM review_queue
WHERE user_id = $1 AND transaction_id = $2 FOR UPDATE
"""
_ENTER = """
INSERT INTO review_queue (user_id, transaction_id, expected_loss_eur, entered_at, closed_at)
SELECT user_id, transaction_id, 0, scored_at, now() FROM transactions
WHERE user_id = $1 AND transaction_id = $2
ON CONFLICT DO NOTHING
"""
_STANDING = """
SELECT v.verdict_id FROM verdicts v
WHERE v.user_id = $1 AND v.transaction_id = $2 AND v.verdict IN ('approve', 'block', 'fraud')
    AND NOT EXISTS (SELECT FROM verdicts u WHERE u.undoes = v.verdict_id)
ORDER BY v.verdict_id DESC LIMIT 1
"""
_INSERT = """
INSERT INTO verdicts (user_id, transaction_id, verdict, undoes, reason, note, analyst)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING verdict_id, given_at
"""
_INSERT_PENDING = """
INSERT INTO verdicts_pending (verdict_id, final_at)
VALUES ($1, now() + make_interval(secs => $2)) RETURNING final_at
"""
_CLOSE = """
UPDATE review_queue SET closed_at = now(), taken_by = NULL, taken_until = NULL
WHERE user_id = $1 AND transaction_id = $2
"""
_END_CLAIM = """
UPDATE review_queue SET taken_by = NULL, taken_until = NULL
WHERE user_id = $1 AND transaction_id = $2
"""
_REOPEN = """
UPDATE review_queue SET closed_at = NULL, taken_by = $3,
    taken_until = now() + make_interval(secs => $4)
WHERE user_id = $1 AND transaction_id = $2 AND EXISTS (SELECT FROM transactions t
    WHERE t.user_id = $1 AND t.transaction_id = $2 AND t.decision = 'review')
"""
_DELETE_PENDING = """
DELETE FROM verdicts_pending p USING verdicts v
WHERE v.user_id = $1 AND v.transaction_id = $2 AND p.verdict_id = $3
AND v.verdict_id = p.verdict_id AND v.analyst = $4 AND p.final_at > now() RETURNING p.verdict_id
"""
_FOR_TRANSACTION = """
SELECT v.verdict_id, v.verdict, v.undoes, v.reason, v.note, v.analyst, v.given_at,
    p.final_at AS undo_until
FROM verdicts v LEFT JOIN verdicts_pending p USING (verdict_id)
WHERE v.user_id = $1 AND v.transaction_id = $2 ORDER BY v.verdict_id
"""
_FINAL = """
SELECT v.verdict_id, v.user_id, v.transaction_id, v.verdict, v.reason, v.analyst, v.given_at
FROM verdicts_pending p JOIN verdicts v USING (verdict_id)
WHERE p.final_at <= now() ORDER BY v.verdict_id LIMIT $1 FOR UPDATE OF p SKIP LOCKED
"""
_DELETE_FINAL = "DELETE FROM verdicts_pending WHERE verdict_id = ANY($1)"


class VerdictRefused(FraudError):
    """The verdict cannot be accepted. `code` says why, the message says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class NewVerdict(NamedTuple):
    """A verdict as an analyst gives it. `supersedes` is the id of the verdict that is valid now and
    that the analyst has seen; None when there is none.
    """

    key: TransactionKey
    verdict: str
    reason: str | None
    note: str
    analyst: str
    supersedes: int | None = None


class RecordedVerdict(NamedTuple):
    """A verdict's id, when it was given, and until when it can be undone."""

    verdict_id: int
    given_at: datetime
    undo_until: datetime


async def record(pool: asyncpg.Pool, verdict: NewVerdict) -> RecordedVerdict:
    """Record a verdict and close the item. Raises `VerdictRefused` with the code not_found, taken
    or already_decided.
    """
    async with pool.acquire() as connection, connection.transaction():
        locked = await connection.fetchrow(_LOCK, *verdict.key)
        if locked is None:
            await connection.execute(_ENTER, *verdict.key)
            locked = await connection.fetchrow(_LOCK, *verdict.key)
        if locked is None:
            identity = verdict.key.transaction_id
            raise VerdictRefused(
                "not_found", f"no transaction {identity} is stored; it may still be on its way"
            )
        if locked["taken"] and locked["taken_by"] != verdict.analyst:
            raise VerdictRefused("taken", f"{locked['taken_by']} is deciding this one")
        standing = await connection.fetchval(_STANDING, *verdict.key)
        if standing != verdict.supersedes:
            raise VerdictRefused(
                "already_decided",
                "another verdict was given meanwhile; look at it before you change it",
            )
        [(verdict_id, given_at)] = await connection.fetch(
            _INSERT,
            *verdict.key,
            verdict.verdict,
            None,
            verdict.reason,
            verdict.note,
            verdict.analyst,
        )
        await connection.execute(_END_CLAIM if verdict.verdict == "skip" else _CLOSE, *verdict.key)
        undo_until = await connection.fetchval(_INSERT_PENDING, verdict_id, UNDO_WINDOW_S)
        return RecordedVerdict(verdict_id, given_at, undo_until)


async def undo(pool: asyncpg.Pool, key: TransactionKey, verdict_id: int, analyst: str) -> None:
    """Undo a pending verdict. When no other verdict is valid, the item is open again and claimed by
    the same analyst. Raises `VerdictRefused` with the code too_late.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.fetchrow(_LOCK, *key)
        pending = await connection.fetchval(_DELETE_PENDING, *key, verdict_id, analyst)
        if pending is None:
            raise VerdictRefused(
                "too_late",
                f"a verdict can be taken back by who gave it, for {UNDO_WINDOW_S} seconds",
            )
        await connection.execute(_INSERT, *key, "undo", verdict_id, None, "", analyst)
        if await connection.fetchval(_STANDING, *key) is None:
            await connection.execute(_REOPEN, *key, analyst, CLAIM_S)


async def for_transaction(connection: asyncpg.Pool, key: TransactionKey) -> list[Any]:
    """All verdicts on a transaction, oldest first, with those that were undone and the undoing."""
    rows: list[Any] = await connection.fetch(_FOR_TRANSACTION, *key)
    return rows


async def emit_final_labels(
    connection: asyncpg.Connection, emit: Callable[[Sequence[Label]], Awaitable[None]]
) -> int:
    """Pass the labels of verdicts that can no longer be undone to `emit`; when it returns, delete
    them from `verdicts_pending`. Returns the number of these verdicts, at most 200.
    """
    async with connection.transaction():
        rows = await connection.fetch(_FINAL, MAX_FINAL)
        if rows:
            await emit([label for row in rows if (label := label_of(row)) is not None])
            await connection.execute(_DELETE_FINAL, [row["verdict_id"] for row in rows])
        return len(rows)


def label_of(row: Any) -> Label | None:
    """The label of a verdict; None when the item was skipped. A blocked transaction is fraud as far
    as the analyst knows.
    """
    if row["verdict"] == "skip":
        return None
    return Label(
        transaction_id=row["transaction_id"],
        user_id=row["user_id"] or None,
        is_fraud=row["verdict"] != "approve",
        source="analyst",
        labelled_at=row["given_at"],
        verdict=row["verdict"],
        reason=row["reason"],
        labelled_by=row["analyst"],
    )
