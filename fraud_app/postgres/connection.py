"""Connections to PostgreSQL, and the migrations that bring the schema up to date before the first
connection is used. Importing this module must never open a connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate

from fraud_app.settings import Postgres

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 4_207_113_558
"""Key of the advisory lock. Any number will do, but every worker must use the same one, so that
only one of them migrates.
"""

_LOCK = "SELECT pg_try_advisory_lock($1)"
"""Does not wait: an index that is built concurrently waits for whoever waits in a statement."""
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


async def apply_migrations(postgres: Postgres) -> None:
    """Apply the migrations that the database lacks. Safe when several workers start at once.

    Raises what PostgreSQL says when one cannot be applied now; the next call goes on there.
    """
    async with connect(postgres) as connection:
        while not await connection.fetchval(_LOCK, _MIGRATION_LOCK):  # noqa: ASYNC110 - another has it
            await asyncio.sleep(_LOCK_AGAIN_S)
        try:
            await migrate.apply(connection, MIGRATIONS, schema_name="public", logger=log)
        except BadMigrationError as error:
            raise error.__cause__ or error from error


@asynccontextmanager
async def connect(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """One connection, for commands. Raises `OSError` when no server answers within 5 seconds."""
    connection = await asyncpg.connect(postgres.dsn.get_secret_value(), timeout=5)
    try:
        yield connection
    finally:
        await connection.close()


def create_pool(postgres: Postgres) -> asyncpg.Pool:
    """A pool that connects when it is first used, so that a worker starts without PostgreSQL."""
    return asyncpg.create_pool(
        postgres.dsn.get_secret_value(),
        min_size=0,
        max_size=postgres.pool_size,
        timeout=3,
        command_timeout=postgres.statement_timeout_s,
        server_settings={
            "application_name": "fraud-app",
            "statement_timeout": str(int(postgres.statement_timeout_s * 1000)),
        },
    )
