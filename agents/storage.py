"""Scored transactions to PostgreSQL: in batches, each once, its offset committed after the database has committed.

While PostgreSQL is away the batch is held and nothing more is read: the backlog stays in Kafka. A single row that the database
refuses for itself goes to the dead-letter topic.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from pydantic import ValidationError

from fraud_app import __version__, metrics
from fraud_app.contracts.label import Label
from fraud_app.decisions import outbound
from fraud_app.decisions.parse import record_of
from fraud_app.kafka import compat, crash
from fraud_app.kafka.producer import ProduceBatch
from fraud_app.postgres import labels, shadow_scores, transactions
from fraud_app.postgres.connection import UNAVAILABLE, apply_migrations, create_pool
from fraud_app.sinks import challenger, config, labels_to_store, storage, to_store
from fraud_app.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

BATCH = 500
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0

Item = TypeVar("Item")
Store = Callable[[Any, Sequence[Item]], Awaitable[Any]]


class _Database:
    """One pool, opened again after an outage."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool | None = None

    async def run(self, store: Store[Item], items: Sequence[Item]) -> Any:
        """Store, waiting out any outage."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                if self._pool is None:
                    await apply_migrations(config.postgres)
                    self._pool = await create_pool(config.postgres)
                async with self._pool.acquire() as connection:
                    stored = await store(connection, items)
            except UNAVAILABLE as error:
                metrics.DEPENDENCY_UP.labels("postgres").set(0)
                log.warning("postgres_away", extra={"error": f"{type(error).__name__}: {error}", "held": len(items)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                metrics.DEPENDENCY_UP.labels("postgres").set(1)
                return stored


_database = _Database()


@storage.task
async def prepare_database() -> None:
    """Bring the schema up to date before the first transaction, so that the API finds its tables."""
    await _database.run(labels.store, [])


@storage.agent(to_store, name="storage")
async def store_transactions(stream: Any) -> None:
    await _keep(stream, transactions.row_of, _store_rows)


@storage.agent(labels_to_store, name="labels")
async def store_labels(stream: Any) -> None:
    await _keep(stream, Label.model_validate_json, labels.store)


async def _store_rows(connection: asyncpg.Connection, rows: Sequence[transactions.Row]) -> None:
    started = time.perf_counter()
    async with connection.transaction():
        metrics.STORED.inc(await transactions.store(connection, rows))
        if challenger.scorer is not None:
            await shadow_scores.store(connection, shadow_scores.scores_of(rows, challenger.scorer))
    metrics.STORE_SECONDS.observe(time.perf_counter() - started)


async def _keep(stream: Any, read: Callable[[bytes], Item], store: Store[Item]) -> None:
    try:
        async for taken in compat.work_batches(stream, BATCH):
            items: list[tuple[Any, Item]] = []
            for message in taken.records:
                try:
                    items.append((message, read(message.value or b"")))
                except (ValueError, KeyError, TypeError, ValidationError) as error:
                    await _refuse(message, "unreadable", f"{type(error).__name__}")
            await _store_or_refuse(items, store)
            compat.acknowledge(storage, taken, taken.records)
    except Exception as error:
        crash.end_process("a batch could not be stored", error)


async def _store_or_refuse(items: Sequence[tuple[Any, Item]], store: Store[Item]) -> None:
    """Store all; when the data itself is refused, halve until the one row is found."""
    if not items:
        return
    try:
        await _database.run(store, [item for _, item in items])
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        if len(items) == 1:
            await _refuse(items[0][0], "refused_by_database", f"{type(error).__name__} {error.sqlstate}")
            return
        half = len(items) // 2
        await _store_or_refuse(items[:half], store)
        await _store_or_refuse(items[half:], store)


async def _refuse(message: Any, code: str, detail: str) -> None:
    produce = ProduceBatch(storage)
    letter = outbound.dead_letter(record_of(message), code, detail, topic=message.topic)
    await produce.add_one(DEAD_LETTERS, *letter.message(__version__))
    await produce.acknowledged()
    metrics.DEAD_LETTERS.labels(code).inc()
