"""The table of dead letters: what `letter_summary` keeps of each, and whether it was sent again.
Their values stay in Kafka. A row is written once; only that it was sent again is added later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from fraud_app.contracts.letter_summary import LetterSummary
from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.postgres.transaction_lookup import AmbiguousId

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
MAX_COUNTED = 10_000
"""More letters are not counted, so that a flood of them does not make every list slow."""
MAX_OF_TRANSACTION = 10
"""The latest letters that are told of one transaction."""
_RENAMED = {"offset": "letter_offset"}
"""`offset` is a word of SQL."""
_COLUMNS = tuple(_RENAMED.get(name, name) for name in LetterSummary._fields)
_MARKS = "resent_at, resent_by, resent_partition, resent_offset"
_SELECT = f"SELECT {', '.join(_COLUMNS)}, {_MARKS} FROM dead_letters"  # noqa: S608 - our own columns
_INSERT = (
    f"INSERT INTO dead_letters ({', '.join(_COLUMNS)}) "  # noqa: S608 - our own columns
    f"VALUES ({', '.join(f'${number + 1}' for number in range(len(_COLUMNS)))}) "
    "ON CONFLICT DO NOTHING"
)
_BY_OFFSET = f"{_SELECT} WHERE letter_offset = $1 ORDER BY at DESC LIMIT 1"
_BY_TRANSACTION = f"""
{_SELECT} WHERE transaction_id = $2 AND ($1 IN ('', user_id) OR user_id IS NULL)
ORDER BY at DESC LIMIT {MAX_OF_TRANSACTION}
"""
_IS_DECIDED = "SELECT EXISTS (SELECT FROM transactions WHERE transaction_id = $1 AND user_id = $2)"
_MARK = """
UPDATE dead_letters
SET resent_at = now(), resent_by = $3, resent_partition = $4, resent_offset = $5
WHERE letter_offset = $1 AND at = $2
"""


class Resent(NamedTuple):
    """When and by whom a letter was sent again, and where that record is."""

    at: datetime
    by: str
    partition: int
    offset: int


class StoredLetter(NamedTuple):
    """A letter, and whether it was sent again."""

    summary: LetterSummary
    resent: Resent | None


class LetterFilter(NamedTuple):
    """Conditions of a list; all that are given must hold. None does not filter."""

    code: str | None = None
    topic: str | None = None
    original_partition: int | None = None
    original_offset: int | None = None
    transaction_id: str | None = None
    user_id: str | None = None
    resent: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


async def store(connection: asyncpg.Connection, letters: Sequence[LetterSummary]) -> None:
    """Store letters. Those that are stored already change nothing."""
    await connection.executemany(_INSERT, letters)


async def page(
    connection: asyncpg.Pool | Connection,
    letter_filter: LetterFilter,
    limit: int,
    after: tuple[datetime, int] | None = None,
) -> list[StoredLetter]:
    """At most `limit` letters, newest first. `after`: time and offset of the last letter of the
    page before.
    """
    condition, values = _condition(letter_filter)
    if after is not None:
        condition += f" AND (at, letter_offset) < (${len(values) + 1}, ${len(values) + 2})"
        values.extend(after)
    values.append(limit)
    rows = await connection.fetch(
        f"{_SELECT} WHERE {condition} ORDER BY at DESC, letter_offset DESC LIMIT ${len(values)}",
        *values,
    )
    return [_stored(row) for row in rows]


async def count(connection: asyncpg.Pool, letter_filter: LetterFilter) -> int:
    """How many letters there are; 10,000 stands for that many and more."""
    condition, values = _condition(letter_filter)
    counted: int = await connection.fetchval(
        f"SELECT count(*) FROM (SELECT FROM dead_letters WHERE {condition} LIMIT {MAX_COUNTED}) l",  # noqa: S608 - conditions are literals, values are bound
        *values,
    )
    return counted


async def get(connection: asyncpg.Pool | Connection, letter_offset: int) -> StoredLetter | None:
    """The letter at this offset of the topic; None when it is not stored (yet)."""
    row = await connection.fetchrow(_BY_OFFSET, letter_offset)
    return _stored(row) if row else None


async def lock(connection: Connection, letter_offset: int) -> StoredLetter | None:
    """The letter at this offset, which nobody else can lock until the database transaction ends."""
    row = await connection.fetchrow(f"{_BY_OFFSET} FOR UPDATE", letter_offset)
    return _stored(row) if row else None


async def for_transaction(connection: asyncpg.Pool, key: TransactionKey) -> list[StoredLetter]:
    """The latest letters of this transaction, and with its id those that name no customer, newest
    first. With an empty customer: of the only one whose letters have this id. Raises `AmbiguousId`
    when several have.
    """
    letters = [_stored(row) for row in await connection.fetch(_BY_TRANSACTION, *key)]
    if len({letter.summary.user_id for letter in letters} - {None}) > 1:
        raise AmbiguousId
    return letters


async def is_decided(connection: Connection, letter: LetterSummary) -> bool:
    """Whether the transaction of this letter was decided and stored, another time that it was
    sent.
    """
    decided: bool = await connection.fetchval(_IS_DECIDED, letter.transaction_id, letter.user_id)
    return decided


async def mark_resent(
    connection: Connection, letter: LetterSummary, by: str, partition: int, offset: int
) -> None:
    """Note who sent a letter again, and where that record is."""
    await connection.execute(_MARK, letter.offset, letter.at, by, partition, offset)


def _stored(row: Any) -> StoredLetter:
    values = tuple(row)
    summary = LetterSummary(*values[: len(_COLUMNS)])
    at, by, partition, offset = values[len(_COLUMNS) :]
    return StoredLetter(summary, None if at is None else Resent(at, by, partition, offset))


def _condition(letter_filter: LetterFilter) -> tuple[str, list[Any]]:
    """The SQL condition with numbered parameters, and their values."""
    conditions, values = ["true"], []
    for column in (
        "code",
        "topic",
        "original_partition",
        "original_offset",
        "transaction_id",
        "user_id",
    ):
        if (value := getattr(letter_filter, column)) is not None:
            values.append(value)
            conditions.append(f"{column} = ${len(values)}")
    for comparison, moment in (("at >=", letter_filter.since), ("at <", letter_filter.until)):
        if moment is not None:
            values.append(moment)
            conditions.append(f"{comparison} ${len(values)}")
    if letter_filter.resent is not None:
        conditions.append(f"resent_at IS {'NOT ' if letter_filter.resent else ''}NULL")
    return " AND ".join(conditions), values
