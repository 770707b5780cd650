"""Labels of transactions: analysts' verdicts, chargebacks, and the generator's ground truth. The
latest label of each source is the one that counts.

A label may come without its customer, and before its transaction is stored. It waits under an empty
customer, and goes to the only transaction with its id as soon as both are stored. While several
customers have one it stays unmatched: it must never be given to a transaction by guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from fraud_app.contracts.label import Label
from fraud_app.contracts.transaction_key import TransactionKey

MAX_COUNTED = 1_000
"""Unmatched labels are counted up to here, so that the count is quick however many there are."""

_COLUMNS = "transaction_id, user_id, source, is_fraud, scenario, labelled_at"
_UPDATE = """
ON CONFLICT (transaction_id, user_id, source) DO UPDATE SET
    is_fraud = excluded.is_fraud, scenario = excluded.scenario, labelled_at = excluded.labelled_at
WHERE labels.labelled_at <= excluded.labelled_at
"""
# The only interpolated values are our own columns and limits.
_UPSERT = f"INSERT INTO labels ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) {_UPDATE}"  # noqa: S608
_MATCH = f"""
WITH owners AS (
    SELECT transaction_id, min(user_id) AS user_id FROM transactions WHERE transaction_id IN
        (SELECT transaction_id FROM labels WHERE user_id = '' AND transaction_id = ANY($1))
    GROUP BY transaction_id HAVING count(*) = 1
), matched AS (
    DELETE FROM labels l USING owners o
    WHERE l.user_id = '' AND l.transaction_id = o.transaction_id
    RETURNING l.transaction_id, o.user_id, source, is_fraud, scenario, labelled_at
)
INSERT INTO labels ({_COLUMNS}) SELECT * FROM matched {_UPDATE}
"""  # noqa: S608
_AMBIGUOUS = """
SELECT count(*) FROM labels WHERE user_id = '' AND transaction_id = ANY($1)
    AND EXISTS (SELECT FROM transactions t WHERE t.transaction_id = labels.transaction_id)
"""
_UNMATCHED = f"""
SELECT count(*) FROM (SELECT FROM labels WHERE user_id = '' LIMIT {MAX_COUNTED}) AS unmatched
"""  # noqa: S608
_FOR_TRANSACTION = """
SELECT source, is_fraud, labelled_at FROM labels
WHERE user_id = $1 AND transaction_id = $2 ORDER BY labelled_at
"""


async def store(connection: asyncpg.Connection, labels: Sequence[Label]) -> int:
    """Store labels. An older label never replaces a newer one. Returns how many of these ids stay
    unmatched because several customers have a transaction with them.
    """
    await connection.executemany(
        _UPSERT,
        [
            (
                label.transaction_id,
                label.user_id or "",
                label.source,
                label.is_fraud,
                label.scenario,
                label.labelled_at,
            )
            for label in labels
        ],
    )
    ids = [label.transaction_id for label in labels if label.user_id is None]
    if not ids:
        return 0
    await match(connection, ids)
    ambiguous: int = await connection.fetchval(_AMBIGUOUS, ids)
    return ambiguous


async def match(connection: asyncpg.Connection, transaction_ids: Sequence[str]) -> None:
    """Give waiting labels to the only transaction with their id, if both are stored.

    To be called after either was committed: then one of the two calls sees both.
    """
    await connection.execute(_MATCH, transaction_ids)


async def unmatched(connection: asyncpg.Pool) -> int:
    """How many labels wait for a customer, counted up to a thousand."""
    count: int = await connection.fetchval(_UNMATCHED)
    return count


async def for_transaction(connection: asyncpg.Pool, key: TransactionKey) -> list[Any]:
    """The labels of a transaction, oldest first: source, is_fraud and labelled_at."""
    rows: list[Any] = await connection.fetch(_FOR_TRANSACTION, *key)
    return rows
