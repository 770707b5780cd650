"""Stores scored transactions in PostgreSQL, and the challenger's scores of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import asyncpg

from agents.store_batches import store_batches
from fraud_app import metrics
from fraud_app.postgres import labels, shadow_scores, transactions
from fraud_app.resources import challenger
from fraud_app.sinks import storage, to_store


@storage.agent(to_store, name="storage")
async def store_transactions(stream: Any) -> None:
    """Store each scored transaction once; an invalid one goes to the dead-letter topic."""
    await store_batches(stream, transactions.parse_row, _store_rows, "storage")


async def _store_rows(connection: asyncpg.Connection, rows: Sequence[transactions.Row]) -> None:
    started = time.perf_counter()
    async with connection.transaction():
        metrics.STORED.inc(await transactions.store(connection, rows))
        if challenger.scorer is not None:
            scores = shadow_scores.score_rows(rows, challenger.scorer)
            await shadow_scores.store(connection, scores)
    await labels.match(connection, [row.transaction_id for row in rows])
    metrics.STORE_SECONDS.observe(time.perf_counter() - started)
