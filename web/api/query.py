"""Database queries of the API. Every failure of the database, and every refused verdict, becomes a
problem here; handlers must not query the database in any other way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from fraud_app.postgres import transactions
from fraud_app.postgres.connection import REFUSED
from fraud_app.postgres.database import DatabaseUnavailable
from fraud_app.postgres.verdicts import VerdictRefused
from fraud_app.resources import database
from web.http.problem import Problem

Result = TypeVar("Result")


async def query(question: Callable[[asyncpg.Pool], Awaitable[Result]]) -> Result:
    """The result of `question(pool)`. Raises `Problem` 503 when the database does not answer in
    time, 422 for a value that no column can hold, 404 or 409 when a verdict is refused.
    """
    try:
        return await database.query(question)
    except DatabaseUnavailable as error:
        raise Problem(
            503,
            "history_away",
            "PostgreSQL does not answer; scoring goes on, history is delayed",
            headers={"Retry-After": "5"},
        ) from error
    except (*REFUSED, OverflowError) as error:
        # NUL, a number beyond bigint, a time that no calendar has: nothing such is stored.
        raise Problem(
            422, "validation_failed", "a value of this request is out of the database's range"
        ) from error
    except VerdictRefused as refused:
        raise Problem(
            404 if refused.code == "not_found" else 409, refused.code, str(refused)
        ) from refused


async def stored_transaction(identity: str) -> transactions.StoredTransaction:
    """The stored transaction. Raises `Problem` 404 without one, and what `query` raises."""
    stored = await query(lambda pool: transactions.get(pool, identity))
    if stored is None:
        raise Problem(
            404,
            "not_found",
            f"no transaction {identity[:128]} is stored; it may still be on its way",
        )
    return stored
