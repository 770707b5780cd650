"""The list of decided transactions: filtered, and read in pages ordered by time. This module only
reads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from fraud_app.postgres import breakdown_rollup

_HAS_REASON = (
    "EXISTS (SELECT FROM json_array_elements(scored -> 'reasons') AS r WHERE r ->> 'code' = {})"
)
_IS_ANY_ID = "(transaction_id = {0} OR user_id = {0} OR device_id = {0} OR card = {0} OR ip = {0})"


class TransactionFilter(NamedTuple):
    """Conditions of a list; all that are given must hold. None does not filter."""

    decisions: tuple[str, ...] | None = None
    min_score: int | None = None
    max_score: int | None = None
    user_id: str | None = None
    country: str | None = None
    reason: str | None = None
    """Code of a reason; only flagged decisions have any."""
    q: str | None = None
    """Exactly this id of a transaction, customer, device or card, or this address."""
    since: datetime | None = None
    until: datetime | None = None


class Position(NamedTuple):
    """A row's place in the list, which is ordered by these columns, the largest first."""

    scored_at: datetime
    transaction_id: str
    user_id: str


_POSITION = ", ".join(Position._fields)


class Listed(NamedTuple):
    """A row of a list."""

    position: Position
    scored: str


async def page(
    connection: asyncpg.Pool,
    row_filter: TransactionFilter,
    limit: int,
    after: Position | None,
) -> list[Listed]:
    """At most `limit` rows, newest first. `after`: the last row of the page before."""
    conditions, values = _conditions(row_filter)
    if after is not None:
        number = len(values) + 1
        conditions.append(f"({_POSITION}) < (${number}, ${number + 1}, ${number + 2})")
        values.extend(after)
    values.append(limit)
    records = await connection.fetch(
        f"SELECT {_POSITION}, scored FROM transactions"  # noqa: S608 - conditions are literals, values are bound
        + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        + f" ORDER BY scored_at DESC, transaction_id DESC, user_id DESC LIMIT ${len(values)}",
        *values,
    )
    return [Listed(Position(*position), scored) for *position, scored in records]


def _conditions(row_filter: TransactionFilter) -> tuple[list[str], list[Any]]:
    """SQL conditions with numbered parameters, and the values of these parameters in order."""
    conditions: list[str] = []
    values: list[Any] = []

    def where(condition: str, *arguments: Any) -> None:
        parameters = [f"${len(values) + number}" for number in range(1, len(arguments) + 1)]
        conditions.append(condition.format(*parameters))
        values.extend(arguments)

    if row_filter.decisions is not None:
        where("decision = ANY({}::text[])", list(row_filter.decisions))
        if "approve" not in row_filter.decisions:
            # Lets PostgreSQL use the partial index of flagged decisions.
            where("decision <> 'approve'")
    if row_filter.min_score is not None:
        where("risk_score >= {}", row_filter.min_score)
    if row_filter.max_score is not None:
        where("risk_score <= {}", row_filter.max_score)
    if row_filter.user_id is not None:
        where("user_id = {}", row_filter.user_id)
    if row_filter.country == breakdown_rollup.UNKNOWN:
        where("country IS NULL")
    elif row_filter.country is not None:
        where("country = {}", row_filter.country)
    if row_filter.reason is not None:
        where("decision <> 'approve'")
        where(_HAS_REASON, row_filter.reason)
    if row_filter.q is not None:
        where(_IS_ANY_ID, row_filter.q)
    if row_filter.since is not None:
        where("scored_at >= {}", row_filter.since)
    if row_filter.until is not None:
        where("scored_at < {}", row_filter.until)
    return conditions, values
