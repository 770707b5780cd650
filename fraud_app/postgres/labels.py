"""What became known of transactions: analysts' verdicts, chargebacks, a generator's truth. The
latest of a source stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from fraud_app.contracts.label import Label

_UPSERT = """
INSERT INTO labels (transaction_id, source, is_fraud, scenario, labelled_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (transaction_id, source) DO UPDATE SET
    is_fraud = excluded.is_fraud, scenario = excluded.scenario, labelled_at = excluded.labelled_at
WHERE labels.labelled_at <= excluded.labelled_at
"""


async def store(connection: asyncpg.Connection, labels: Sequence[Label]) -> None:
    """Store labels; an older one never replaces a newer one."""
    await connection.executemany(
        _UPSERT,
        [
            (label.transaction_id, label.source, label.is_fraud, label.scenario, label.labelled_at)
            for label in labels
        ],
    )


async def for_transaction(connection: asyncpg.Pool, transaction_id: str) -> list[Any]:
    """What is known of a transaction: source, is_fraud, labelled_at."""
    found: list[Any] = await connection.fetch(
        "SELECT source, is_fraud, labelled_at FROM labels WHERE transaction_id = $1 ORDER BY labelled_at",
        transaction_id,
    )
    return found
