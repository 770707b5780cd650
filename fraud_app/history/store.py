"""The API's way to PostgreSQL: a pool that appears when the server does, and one error for its absence."""

from __future__ import annotations

import asyncpg

from fraud_app.history.pool import AWAY, pool
from fraud_app.settings import Postgres


class HistoryAway(Exception):
    """PostgreSQL does not answer; scoring goes on, history is delayed."""


class History:
    """`connected()` gives the pool, opened on first use."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._pool: asyncpg.Pool | None = None

    async def connected(self) -> asyncpg.Pool:
        """The pool. Raises `HistoryAway`."""
        if self._pool is None:
            try:
                self._pool = await pool(self._postgres)
            except AWAY as error:
                raise HistoryAway(str(error)) from error
        return self._pool

    async def answers(self) -> bool:
        """Whether a query works now."""
        try:
            await (await self.connected()).fetchval("SELECT 1", timeout=1)
        except (HistoryAway, *AWAY):
            return False
        return True

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
