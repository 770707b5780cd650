"""A connection behind a pooler in transaction mode, as PgBouncer has it.

There the server may be another one after each transaction, and what was prepared is gone. asyncpg
prepares a statement and executes it in two steps, so both run in one transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class TransactionConnection(asyncpg.Connection):
    """Runs each statement in a transaction, if it is in none yet. To be used with
    `statement_cache_size=0`.
    """

    async def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """As asyncpg does. A statement without arguments is not prepared."""
        if not args:
            return await super().execute(query, **kwargs)
        async with self._own_transaction():
            return await super().execute(query, *args, **kwargs)

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        """As asyncpg does."""
        async with self._own_transaction():
            return await super().executemany(*args, **kwargs)

    async def fetch(self, *args: Any, **kwargs: Any) -> Any:
        """As asyncpg does."""
        async with self._own_transaction():
            return await super().fetch(*args, **kwargs)

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        """As asyncpg does."""
        async with self._own_transaction():
            return await super().fetchrow(*args, **kwargs)

    async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
        """As asyncpg does."""
        async with self._own_transaction():
            return await super().fetchval(*args, **kwargs)

    @asynccontextmanager
    async def _own_transaction(self) -> AsyncIterator[None]:
        if self.is_in_transaction():
            yield
        else:
            async with self.transaction():
                yield
