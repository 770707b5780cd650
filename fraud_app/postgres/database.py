"""The connection pool of the API. It connects when the server is there, and turns every failure
into one error. No request may wait longer than the statement timeout.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from fraud_app.errors import FraudError
from fraud_app.postgres.connection import REFUSED, UNAVAILABLE, create_pool, described
from fraud_app.settings import Postgres

Result = TypeVar("Result")

CHECK_S = 1.0
"""A health check must answer soon, whatever the statement timeout is."""


class DatabaseUnavailable(FraudError):
    """PostgreSQL does not answer; scoring goes on, history is delayed."""


class Database:
    """Runs queries on a pool that is created at the first query. It never waits longer than the
    statement timeout, even when the server is frozen.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._pool: asyncpg.Pool | None = None
        self._creating = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        """Holds a reference to each task, so that none is garbage-collected before it ends."""

    async def query(
        self, question: Callable[[asyncpg.Pool], Awaitable[Result]], seconds: float | None = None
    ) -> Result:
        """The result of `question(pool)`, within `seconds` (default: the statement timeout). Raises
        `DatabaseUnavailable` when there is no result in time.
        """
        task = asyncio.ensure_future(self._run(question))
        self._running.add(task)
        task.add_done_callback(self._forget)
        # Not wait_for: it would wait for asyncpg to cancel the statement, which needs the server
        # that does not answer.
        done, _ = await asyncio.wait({task}, timeout=seconds or self._postgres.statement_timeout_s)
        if not done:
            task.cancel()
            raise DatabaseUnavailable("no answer in time")
        return task.result()

    async def responds(self) -> bool:
        """Whether a query works now; answers within one second."""
        try:
            await self.query(lambda pool: pool.fetchval("SELECT 1"), CHECK_S)
        except DatabaseUnavailable:
            return False
        return True

    async def _run(self, question: Callable[[asyncpg.Pool], Awaitable[Result]]) -> Result:
        try:
            async with self._creating:  # two first queries must not make two pools
                if self._pool is None:
                    self._pool = await create_pool(self._postgres)
            return await question(self._pool)
        except REFUSED:
            raise
        except UNAVAILABLE as error:
            if self._pool is not None:
                await self._pool.expire_connections()  # they may lead to a server that has changed
            raise DatabaseUnavailable(described(error)) from error

    def _forget(self, task: asyncio.Task[Any]) -> None:
        """Drop the task. Reading its exception keeps asyncio from logging that nobody did."""
        self._running.discard(task)
        if not task.cancelled():
            task.exception()
