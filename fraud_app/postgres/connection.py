"""Connections to PostgreSQL, and the migrations that bring the schema up to date before the first
connection is used. Importing this module must never open a connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate

from fraud_app.postgres.transaction_connection import TransactionConnection
from fraud_app.settings import Postgres

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 4_207_113_558
"""Key of the advisory lock. Any number will do, but every worker must use the same one, so that
only one of them migrates.
"""

_LOCK = f"""DO $$ BEGIN
    IF NOT pg_try_advisory_xact_lock({_MIGRATION_LOCK}) THEN RAISE lock_not_available; END IF;
END $$"""
"""Does not wait: an index that is built concurrently waits for whoever waits in a statement. A
SELECT over the extended protocol would keep its snapshot, and the index would wait for that, too.
"""
_LOCK_AGAIN_S = 0.2

REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""The data's own fault: the same statement will never work. To be handled before `UNAVAILABLE`."""
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Everything else that PostgreSQL or asyncpg says: the same statement may work later. A server that
is read-only after a fail-over, a role without its rights, a pooler that mixes sessions up, tables
that are not migrated yet: none may end a process, and each is waited out.
"""

_HINT = "behind a pooler in transaction mode set FRAUD_POSTGRES__TRANSACTION_POOLING=true"


async def apply_migrations(postgres: Postgres) -> None:
    """Apply the migrations that the database lacks. Safe when several workers start at once.

    Raises what PostgreSQL says when one cannot be applied now; the next call goes on there.
    """
    async with connect(postgres) as connection, _only_one_migrates(postgres):
        try:
            await migrate.apply(connection, MIGRATIONS, schema_name="public", logger=log)
        except BadMigrationError as error:
            raise error.__cause__ or error from error


@asynccontextmanager
async def _only_one_migrates(postgres: Postgres) -> AsyncIterator[None]:
    """Holds the lock in a transaction of a connection of its own: behind a pooler, a lock of the
    session would stay with a connection that anybody may get next.
    """
    async with connect(postgres) as connection:
        while True:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(_LOCK)
            except asyncpg.LockNotAvailableError:  # another has it
                await transaction.rollback()
                await asyncio.sleep(_LOCK_AGAIN_S)
            else:
                yield
                await transaction.rollback()
                return


@asynccontextmanager
async def connect(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """One connection, for commands. Raises `OSError` when no server answers within 5 seconds."""
    connection = await asyncpg.connect(
        postgres.dsn.get_secret_value(), timeout=5, **_pooling(postgres)
    )
    try:
        yield connection
    finally:
        await connection.close()


def create_pool(postgres: Postgres) -> asyncpg.Pool:
    """A pool that connects when it is first used, so that a worker starts without PostgreSQL."""
    server_settings = {"application_name": "fraud-app"}
    if not postgres.transaction_pooling:  # PgBouncer refuses what it cannot keep apart
        server_settings["statement_timeout"] = str(int(postgres.statement_timeout_s * 1000))
    return asyncpg.create_pool(
        postgres.dsn.get_secret_value(),
        min_size=0,
        max_size=postgres.pool_size,
        timeout=3,
        command_timeout=postgres.statement_timeout_s,
        server_settings=server_settings,
        **_pooling(postgres),
    )


def _pooling(postgres: Postgres) -> dict[str, Any]:
    if not postgres.transaction_pooling:
        return {}
    return {"connection_class": TransactionConnection, "statement_cache_size": 0}


def described(error: BaseException) -> str:
    """What PostgreSQL, asyncpg or a pooler said, with the setting that may help."""
    text = f"{type(error).__name__}: {error}"
    is_mixed_up = isinstance(
        error, asyncpg.InvalidSQLStatementNameError | asyncpg.DuplicatePreparedStatementError
    )
    return f"{text} ({_HINT})" if is_mixed_up or "startup parameter" in text else text
