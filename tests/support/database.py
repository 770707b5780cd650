"""A database of a test's own, on the server of the running cluster."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from devtools.stack.test_cluster import Cluster
from fraud_app.settings import Postgres


@asynccontextmanager
async def own_database(running: Cluster) -> AsyncIterator[Postgres]:
    """The settings of a new database without tables; it is dropped at the end."""
    dsn = running.environment["FRAUD_POSTGRES__DSN"]
    name = f"test_{uuid.uuid4().hex[:8]}"
    address, _, options = dsn.partition("?")
    admin = await asyncpg.connect(dsn)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield Postgres(
            dsn=f"{address.rsplit('/', 1)[0]}/{name}" + (f"?{options}" if options else "")
        )
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
