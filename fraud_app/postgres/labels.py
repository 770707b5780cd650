"""Labels of transactions: analysts' verdicts, chargebacks, and the generator's ground truth. The
latest label of each source is the one that counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from fraud_app.contracts.label import Label

_UPSERT = """
INSERT INTO labels (transaction_id, source, is_fraud, scenario, labelled_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (transaction_id, source) DO UPDATE SET
    is_fraud = excluded.is_fraud, scenario = excluded.scenario, labelled_at = excluded.labelled_at
WHERE labels.labelled_at <= excluded.labelled_at
"""
_FOR_TRANSACTION = """
SELECT source, is_fraud, labelled_at FROM labels WHERE transaction_id = $1 ORDER BY labelled_at
"""


async def store(connection: asyncpg.Connection, labels: Sequence[Label]) -> None:
    """Store labels. An older label never replaces a newer one."""
    await connection.executemany(
        _UPSERT,
        [
            (label.transaction_id, label.source, label.is_fraud, label.scenario, label.labelled_at)
            for label in labels
        ],
    )


async def for_transaction(connection: asyncpg.Pool, transaction_id: str) -> list[Any]:
    """The labels of a transaction, oldest first: source, is_fraud and labelled_at."""
    rows: list[Any] = await connection.fetch(_FOR_TRANSACTION, transaction_id)
    return rows
