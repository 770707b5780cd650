"""The API's way to PostgreSQL: a pool that appears when the server does, and one error for its
absence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from fraud_app.postgres.connection import UNAVAILABLE, create_pool
from fraud_app.settings import Postgres

Result = TypeVar("Result")

CHECK_S = 1.0


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer; scoring goes on, history is delayed."""


class Database:
    """`ask` with a question of the pool; never waits longer than the statement timeout, even for a
    server that is frozen.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._pool: asyncpg.Pool | None = None
        self._asking: set[asyncio.Task[Any]] = set()

    async def query(
        self, question: Callable[[asyncpg.Pool], Awaitable[Result]], seconds: float | None = None
    ) -> Result:
        """The answer. Raises `HistoryAway` when there is none in time."""
        task = asyncio.ensure_future(self._answer(question))
        self._asking.add(task)
        task.add_done_callback(self._forget)
        # Not wait_for: it would wait for asyncpg to cancel the statement, which needs the server
        # that does not answer.
        done, _ = await asyncio.wait({task}, timeout=seconds or self._postgres.statement_timeout_s)
        if not done:
            task.cancel()
            raise DatabaseUnavailable("no answer in time")
        return task.result()

    async def responds(self) -> bool:
        """Whether a query works now."""
        try:
            await self.query(lambda connected: connected.fetchval("SELECT 1"), CHECK_S)
        except DatabaseUnavailable:
            return False
        return True

    async def _answer(self, question: Callable[[asyncpg.Pool], Awaitable[Result]]) -> Result:
        try:
            if self._pool is None:
                self._pool = await create_pool(self._postgres)
            return await question(self._pool)
        except UNAVAILABLE as error:
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()
