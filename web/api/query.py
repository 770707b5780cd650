"""Database queries of the API. Every failure of the database, and every refused verdict, becomes a
problem here; handlers must not query the database in any other way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from aiohttp import web

from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.decisions.outbound import CONFLICT
from fraud_app.postgres import dead_letters, transaction_lookup
from fraud_app.postgres.connection import REFUSED
from fraud_app.postgres.database import DatabaseUnavailable
from fraud_app.postgres.transaction_lookup import AmbiguousId, StoredTransaction
from fraud_app.postgres.verdicts import VerdictRefused
from fraud_app.resources import database
from web.http.problem import Problem
from web.schemas.dead_letters import DeadLetter

Result = TypeVar("Result")


async def query(question: Callable[[asyncpg.Pool], Awaitable[Result]]) -> Result:
    """The result of `question(pool)`. Raises `Problem` 503 when the database does not answer in
    time, 422 for a value that no column can hold, 409 for an ambiguous id, 404 or 409 when a
    verdict is refused.
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
    except AmbiguousId as error:
        raise Problem(409, "ambiguous_id", str(error)) from error
    except VerdictRefused as refused:
        raise Problem(
            404 if refused.code == "not_found" else 409, refused.code, str(refused)
        ) from refused


async def requested_key(request: web.Request, user_id: str | None) -> TransactionKey:
    """The key of the transaction that the path names. Without the customer, it is the one whose
    transaction has this id; the empty name, which no customer has, when none is stored. Raises
    `Problem` 409 when several customers have one, and what `query` raises.
    """
    identity = request.match_info["transaction_id"]
    if user_id is None:
        user_id = await query(lambda pool: transaction_lookup.user_with(pool, identity)) or ""
    return TransactionKey(user_id, identity)


async def stored_transaction(key: TransactionKey) -> StoredTransaction:
    """The stored transaction. Raises `Problem` 404 without one, which says whether it was
    dead-lettered, and what `query` raises.
    """
    stored = await query(lambda pool: transaction_lookup.get(pool, key))
    if stored is None:
        # A conflict says that another transaction with this id was decided: that one is on its way.
        letters = [one for one in await dead_letters_of(key) if one.code != CONFLICT[0]]
        if letters:
            raise _dead_lettered(letters)
        raise Problem(
            404,
            "not_found",
            f"no transaction {key.transaction_id[:128]} is stored; it may still be on its way",
        )
    return stored


async def dead_letters_of(key: TransactionKey) -> list[DeadLetter]:
    """The latest dead letters of this transaction, newest first; not all name a customer. Raises
    `Problem` 409 when the customer is not known and several have some.
    """
    letters = await query(lambda pool: dead_letters.for_transaction(pool, key))
    return [DeadLetter.of(letter) for letter in letters]


def _dead_lettered(letters: list[DeadLetter]) -> Problem:
    latest = letters[0]
    again = f"; {latest.resent.by} sent it again" if latest.resent else ""
    return Problem(
        404,
        "dead_lettered",
        f"it went to the dead letters at {latest.at:%Y-%m-%d %H:%M:%S} UTC: {latest.code}, "
        f"{latest.detail}{again}",
        members={"dead_letters": [letter.model_dump(mode="json") for letter in letters]},
    )
