"""Transactions that share something with a given one: its customer, device, address or card. This
module only reads.
"""

from __future__ import annotations

from typing import Any

import asyncpg

from fraud_app.contracts.transaction_key import TransactionKey

MAX_RELATED = 10
"""Rows of each list; more do not fit beside the case."""
SHARED_COLUMNS = ("user_id", "device_id", "ip", "card")

_BRIEF = "transaction_id, user_id, amount, currency, country, decision, risk_score, scored_at"
# Ten rows of each list, counted up to a hundred: "99+" says as much as a million, and a busy
# address cannot make the page slow. The only interpolated values are our own names and limits.
_QUERIES = {
    column: f"""
SELECT {_BRIEF}, count(*) OVER () AS found
FROM (SELECT {_BRIEF} FROM transactions WHERE {column} = $1
    AND (user_id, transaction_id) <> ($2, $3) ORDER BY scored_at DESC LIMIT 100) AS latest
ORDER BY scored_at DESC LIMIT {MAX_RELATED}
"""  # noqa: S608 - our own columns
    for column in SHARED_COLUMNS
}


async def related_to(
    connection: asyncpg.Pool, key: TransactionKey, shared: dict[str, str | None]
) -> dict[str, list[Any]]:
    """The latest ten other transactions for each column of `shared` whose value is known. Each row
    also has `found`, the number of such transactions, counted up to a hundred.
    """
    return {
        column: await connection.fetch(_QUERIES[column], value, *key)
        for column, value in shared.items()
        if value is not None
    }
