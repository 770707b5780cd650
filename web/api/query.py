"""Questions to the database, in one place: what it cannot answer, or will not accept, becomes a
problem.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from fraud_app.postgres.database import DatabaseUnavailable
from fraud_app.postgres.verdicts import VerdictRefused
from fraud_app.resources import database
from web.http.problem import Problem

Result = TypeVar("Result")


async def query(question: Callable[[asyncpg.Pool], Awaitable[Result]]) -> Result:
    """The database's answer. Raises `Problem` 503 when there is none, 404 or 409 when a verdict is
    refused.
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
    except VerdictRefused as refused:
        raise Problem(
            404 if refused.code == "not_found" else 409, refused.code, str(refused)
        ) from refused
