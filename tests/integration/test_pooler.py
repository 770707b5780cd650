"""A pooler in transaction mode may change the server after each transaction: nothing may be left
behind on one. Tried with PgBouncer itself by hand, see docs/reliability.md.
"""

import asyncpg
import pytest
import pytest_asyncio

from fraud_app.postgres.connection import apply_migrations, connect, create_pool, described
from tests.support.database import own_database

PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE $1"
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND $1"
TABLE = "CREATE TABLE notes (note text)"
INSERT = "INSERT INTO notes VALUES ($1)"
COUNT = "SELECT count(*) FROM notes WHERE note = $1"


@pytest_asyncio.fixture
async def pooled(running):
    """The settings of a database of its own, for a pooler."""
    async with own_database(running) as postgres:
        yield postgres.model_copy(update={"transaction_pooling": True})


async def test_neither_statements_nor_locks_stay_with_the_server(pooled):
    await apply_migrations(pooled)
    async with connect(pooled) as connection:
        assert await connection.fetchval(PREPARED, True) == 0
        assert await connection.fetchval(LOCKS, True) == 0
        rows = [await connection.fetchrow(PREPARED, True), *await connection.fetch(PREPARED, True)]
        assert [tuple(row or ()) for row in rows] == [(0,), (0,)]


async def test_each_statement_is_committed_by_itself_and_joins_a_transaction_that_is_there(pooled):
    async with await create_pool(pooled) as pool:
        await pool.execute(TABLE)
        await pool.execute(INSERT, "kept")
        await pool.executemany(INSERT, [("kept",), ("kept",)])
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(INSERT, "undone")
            assert await connection.fetchval(COUNT, "undone") == 1
            await transaction.rollback()
        assert [await pool.fetchval(COUNT, note) for note in ("kept", "undone")] == [3, 0]


@pytest.mark.parametrize(
    ("error", "helped"),
    [
        (asyncpg.ProtocolViolationError("unsupported startup parameter: statement_timeout"), True),
        (asyncpg.InvalidSQLStatementNameError('prepared statement "s1" does not exist'), True),
        (asyncpg.DuplicatePreparedStatementError('prepared statement "s1" already exists'), True),
        (ConnectionRefusedError("no server"), False),
    ],
)
def test_what_a_pooler_says_without_the_setting_names_the_setting(error, helped):
    assert ("FRAUD_POSTGRES__TRANSACTION_POOLING" in described(error)) is helped
