"""A database of the version before gets today's schema while it is in use, and loses nothing."""

import asyncio
import shutil
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.postgres import connection as database
from fraud_app.postgres import labels, review_queue, transaction_lookup, verdicts
from fraud_app.postgres.connection import REFUSED, UNAVAILABLE, apply_migrations, connect
from tests.support.api_client import until
from tests.support.database import own_database

FIRST_WITH_CUSTOMERS = "20261128_01_transaction_key"
OLD_INSERT = """
INSERT INTO transactions (transaction_id, user_id, merchant_id, category, amount, currency,
    decision, risk_score, probability, latency_ms, model, received_at, scored_at, scored)
VALUES ($1, $2, 'm', 'other', 20, 'EUR', 'review', 70, 0.1, 3, 'lgbm:1', now(), now(), '{}')
ON CONFLICT (transaction_id) DO NOTHING
"""
OLD_VERDICT = "INSERT INTO verdicts (transaction_id, verdict, analyst) VALUES ('t1', 'block', 'x')"
INDEX_BEING_BUILT = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE 'CREATE UNIQUE INDEX CONCURRENTLY%'
"""
FILLED = """
INSERT INTO labels VALUES ('t1', 'chargeback', true, 'ring', now()), ('t1', 'analyst', false, NULL, now()),
    ('never-stored', 'chargeback', true, NULL, now());
INSERT INTO review_queue (transaction_id, expected_loss_eur, entered_at) VALUES ('t1', 2, now()), ('t2', 3, now());
INSERT INTO verdicts (transaction_id, verdict, note, analyst) VALUES ('t1', 'fraud', 'kept', 'ann'), ('t2', 'approve', '', 'bob');
INSERT INTO verdicts_pending SELECT verdict_id, now() FROM verdicts WHERE transaction_id = 't2';
INSERT INTO shadow_scores VALUES ('t1', 'lgbm:2', 0.5, 'block', now()), ('t2', 'lgbm:2', 0.1, 'review', now());
"""  # noqa: E501
T1, T2 = TransactionKey("u1", "t1"), TransactionKey("u2", "t2")


@pytest_asyncio.fixture
async def old(running, tmp_path, monkeypatch):
    """The settings of a database as the version before left it."""
    older = tmp_path / "older"
    older.mkdir()
    for migration in database.MIGRATIONS.glob("*.sql"):
        if migration.stem < FIRST_WITH_CUSTOMERS:
            shutil.copy(migration, older)
    async with own_database(running) as postgres:
        with monkeypatch.context() as patched:
            patched.setattr(database, "MIGRATIONS", older)
            await apply_migrations(postgres)
        async with connect(postgres) as connection:
            for key in (T1, T2):
                await connection.execute(OLD_INSERT, key.transaction_id, key.user_id)
            await connection.execute(FILLED)
        yield postgres


async def test_everything_that_was_stored_gets_its_customer(old):
    await apply_migrations(old)
    async with connect(old) as connection:
        assert await transaction_lookup.get(connection, T1)
        assert await transaction_lookup.user_with(connection, "t2") == "u2"
        known = await labels.for_transaction(connection, T1)
        assert {(row["source"], row["is_fraud"]) for row in known} == {
            ("chargeback", True),
            ("analyst", False),
        }
        assert await labels.unmatched(connection) == 1, "the one that was never stored"
        assert (await review_queue.item(connection, T2))["expected_loss_eur"] == 3
        [verdict] = await verdicts.for_transaction(connection, T1)
        assert (verdict["verdict"], verdict["note"]) == ("fraud", "kept")
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute("UPDATE verdicts SET note = ''")
        rows = await connection.fetch("SELECT user_id, transaction_id FROM shadow_scores")
        assert {TransactionKey(*row) for row in rows} == {T1, T2}
        sent = []

        async def emit(final):
            sent.extend(final)

        await verdicts.emit_final_labels(connection, emit)
        assert [(label.user_id, label.transaction_id) for label in sent] == [T2]


async def test_two_customers_can_have_one_id_afterwards(old):
    await apply_migrations(old)
    async with connect(old) as connection:
        insert = OLD_INSERT.replace("(transaction_id) DO", "(transaction_id, user_id) DO")
        for _ in range(2):
            await connection.execute(insert, "t1", "u2")
        users = await connection.fetch("SELECT user_id FROM transactions WHERE transaction_id='t1'")
        assert sorted(row[0] for row in users) == ["u1", "u2"]


@asynccontextmanager
async def building_the_index(postgres):
    """A migration that has begun, and a connection of somebody else. It cannot finish, because
    somebody still looks at how the database was.
    """
    async with (
        connect(postgres) as connection,
        connect(postgres) as reader,
        reader.transaction(isolation="repeatable_read"),
    ):
        await reader.fetch("SELECT FROM labels")
        migrating = asyncio.create_task(apply_migrations(postgres))
        await until(lambda: connection.fetchval(INDEX_BEING_BUILT))
        yield migrating, connection


async def test_transactions_are_stored_and_read_while_the_index_is_built(old):
    async with building_the_index(old) as (migrating, connection):
        await connection.execute("SET statement_timeout = '5s'")
        await connection.execute(OLD_INSERT, "t3", "u3")
        assert await connection.fetchval("SELECT count(*) FROM transactions") == 3
        assert not migrating.done()
    await migrating
    async with connect(old) as connection:
        assert await transaction_lookup.user_with(connection, "t3") == "u3"


async def test_rights_that_somebody_has_on_a_table_stay(old):
    granted = "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC'"
    async with connect(old) as connection:
        await connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC")
        before = await connection.fetchval(f"{granted} AND table_schema = 'public'")
        await apply_migrations(old)
        after = await connection.fetchval(f"{granted} AND table_schema = 'public'")
        assert after == before > 0


async def test_an_interrupted_migration_goes_on_at_the_next_start(old):
    async with building_the_index(old) as (migrating, _):
        migrating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await migrating
    await apply_migrations(old)
    async with connect(old) as connection:
        assert await transaction_lookup.get(connection, T1)


async def test_a_table_in_use_is_not_locked_for_long_and_the_next_try_goes_on(old):
    async with connect(old) as user, user.transaction():
        await user.execute("LOCK TABLE verdicts IN ACCESS SHARE MODE")  # as every query does
        with pytest.raises(UNAVAILABLE) as refused:
            await apply_migrations(old)
        assert not isinstance(refused.value, REFUSED), "the sinks wait and try again"
    await apply_migrations(old)
    async with connect(old) as connection:
        assert len(await verdicts.for_transaction(connection, T1)) == 1


async def test_several_processes_that_start_at_once_migrate_once(old):
    await asyncio.gather(*(apply_migrations(old) for _ in range(4)))
    async with connect(old) as connection:
        assert await transaction_lookup.user_with(connection, "t1") == "u1"


async def test_a_process_of_the_version_before_waits_or_is_refused_but_stores_nothing_wrong(old):
    await apply_migrations(old)
    async with connect(old) as connection:
        with pytest.raises(UNAVAILABLE) as waits:
            await connection.execute(OLD_INSERT, "t4", "u4")
        assert not isinstance(waits.value, REFUSED), "it keeps the transaction and tries again"
        with pytest.raises(REFUSED):
            await connection.execute(OLD_VERDICT)
