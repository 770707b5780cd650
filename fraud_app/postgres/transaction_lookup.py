"""Finds one decided transaction: by its key, or by an id alone while only one customer has it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import asyncpg

from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.errors import FraudError

_GET = "SELECT scored, stored_at FROM transactions WHERE user_id = $1 AND transaction_id = $2"
_USERS = "SELECT user_id FROM transactions WHERE transaction_id = $1 LIMIT 2"


class AmbiguousId(FraudError):
    """Several customers have a transaction with this id, or dead letters."""

    def __init__(self) -> None:
        super().__init__(
            "several customers have a transaction with this id; name one of them with ?user_id="
        )


class StoredTransaction(NamedTuple):
    """A decided transaction and when it was stored."""

    scored: str
    stored_at: datetime


async def get(connection: asyncpg.Pool, key: TransactionKey) -> StoredTransaction | None:
    """A decided transaction; None when it is not stored (yet)."""
    record = await connection.fetchrow(_GET, *key)
    return StoredTransaction(*record) if record else None


async def user_with(connection: asyncpg.Pool, transaction_id: str) -> str | None:
    """The customer whose transaction has this id; None when it is not stored (yet). Raises
    `AmbiguousId` when several have one.
    """
    users = [record[0] for record in await connection.fetch(_USERS, transaction_id)]
    if len(users) > 1:
        raise AmbiguousId
    return users[0] if users else None
