"""How the sinks write to PostgreSQL: in batches, each item once, acknowledged after the commit.

While PostgreSQL is unavailable the batch is held and nothing more is read: the backlog stays in
Kafka. A single item that the database refuses goes to the dead-letter topic.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg

from agents.stale_decisions import without_stale
from fraud_app import __version__, metrics
from fraud_app.decisions import outbound
from fraud_app.decisions.assignment import SeenAssignments
from fraud_app.decisions.parse import record_of
from fraud_app.kafka import crash
from fraud_app.kafka.batches import acknowledge, work_batches
from fraud_app.kafka.producer import ProduceBatch
from fraud_app.postgres.connection import (
    REFUSED,
    UNAVAILABLE,
    apply_migrations,
    create_pool,
    described,
)
from fraud_app.resources import config
from fraud_app.sinks import storage
from fraud_app.supervision import supervised

log = logging.getLogger(__name__)

MAX_BATCH = 500
"""Most items of one database transaction."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
"""Pauses between tries during an outage, doubled each time: short at first for a restart, and never
so long that the end of an outage is noticed late.
"""

Item = TypeVar("Item")
Store = Callable[[Any, Sequence[Item]], Awaitable[Any]]
"""Writes items over a connection. May run again with the same items."""
Refuse = Callable[[Any, str, str], Awaitable[None]]
"""Deals with a message that cannot be stored. Given its code and a detail, too."""


class _Database:
    """One connection pool, opened at the first use."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool | None = None
        self.away = False
        """Whether the last call found no database that it could use."""

    async def run(self, store: Store[Item], items: Sequence[Item]) -> Any:
        """Store items and return what `store` returns. Waits until an outage is over."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                if self._pool is None:
                    await apply_migrations(config.postgres)
                    self._pool = await create_pool(config.postgres)
                async with self._pool.acquire() as connection:
                    stored = await store(connection, items)
            except REFUSED:
                raise
            except UNAVAILABLE as error:
                if self._pool is not None:  # its connections may lead to a server that has changed
                    await self._pool.expire_connections()
                self.away = True
                metrics.DEPENDENCY_UP.labels("postgres").set(0)
                log.warning("postgres_away", extra={"error": described(error), "held": len(items)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                self.away = False
                metrics.DEPENDENCY_UP.labels("postgres").set(1)
                return stored


_database = _Database()


def waits_for_database() -> bool:
    """Whether items are held because PostgreSQL cannot store them now."""
    return _database.away


@partial(supervised, storage)
async def prepare_database() -> None:
    """Migrate the schema before the first transaction, so that the API finds its tables."""

    async def store_nothing(connection: asyncpg.Connection, items: Sequence[Any]) -> None: ...

    await _database.run(store_nothing, [])


async def store_batches(
    stream: Any, read: Callable[[bytes], Item], store: Store[Item], reader: str
) -> None:
    """Store the items of a stream's messages until the stream ends, without late decisions of a
    worker that was taken for dead.

    `reader`: its name in the metrics. `read` turns a message's value into an item. Whatever it
    raises, the value is none, and its message goes to the dead-letter topic.
    """
    await store_messages(
        stream, lambda message: read(message.value or b""), store, _send_dead_letter, reader
    )


async def store_messages(
    stream: Any, read: Callable[[Any], Item], store: Store[Item], refuse: Refuse, reader: str
) -> None:
    """Like `store_batches`, with a `read` that is given the whole message, and a `refuse` for those
    that cannot be stored.
    """
    seen = SeenAssignments()
    try:
        async for work in work_batches(stream, MAX_BATCH):
            items: list[tuple[Any, Item]] = []
            for message in without_stale(work.records, seen, reader):
                try:
                    items.append((message, read(message)))
                except Exception as error:  # reading is pure: the message is bad
                    await refuse(message, "unreadable", f"{type(error).__name__}")
            await _store_or_refuse(items, store, refuse)
            acknowledge(storage, work, work.records)
    except Exception as error:
        crash.end_process("a batch could not be stored", error)


async def _store_or_refuse(
    items: Sequence[tuple[Any, Item]], store: Store[Item], refuse: Refuse
) -> None:
    """Store all items. When the database refuses the data, halve until the bad item is found."""
    if not items:
        return
    try:
        await _database.run(store, [item for _, item in items])
    except REFUSED as error:
        if len(items) == 1:
            detail = f"{type(error).__name__} {error.sqlstate}"
            await refuse(items[0][0], "refused_by_database", detail)
            return
        half = len(items) // 2
        await _store_or_refuse(items[:half], store, refuse)
        await _store_or_refuse(items[half:], store, refuse)


async def _send_dead_letter(message: Any, code: str, detail: str) -> None:
    letter = outbound.dead_letter(record_of(message), code, detail, topic=message.topic)
    produce = ProduceBatch(storage)
    await produce.add_dead_letters([letter.message(__version__)])
    await produce.acknowledged()
    metrics.DEAD_LETTERS.labels(code).inc()
