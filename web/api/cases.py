"""A case: a decided transaction with everything that an analyst needs to judge it on one screen.
This module only reads.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from fraud_app.contracts.scored import read_scored
from fraud_app.decisions import explanations
from fraud_app.postgres import labels, related, review_queue, verdicts
from fraud_app.resources import champion
from web.api.query import dead_letters_of, query, requested_key, stored_transaction
from web.http.body import answer, query_parameters
from web.schemas.transactions import TransactionQuery


async def case(request: web.Request) -> web.Response:
    """A decided transaction, why, what was said of it, and what it is related to."""
    key = await requested_key(request, query_parameters(TransactionQuery, request).user_id)
    stored = await stored_transaction(key)
    scored = read_scored(stored.scored)
    shared = {
        "user_id": scored["user_id"],
        "device_id": scored["device_id"],
        "ip": scored["ip"],
        "card": scored["payment_method"]["fingerprint"],
    }
    queue_item, given_verdicts, known_labels, letters, related_rows = await asyncio.gather(
        query(lambda pool: review_queue.item(pool, key)),
        query(lambda pool: verdicts.for_transaction(pool, key)),
        query(lambda pool: labels.for_transaction(pool, key)),
        dead_letters_of(key),
        query(lambda pool: related.related_to(pool, key, shared)),
    )
    return answer(
        {
            "analyst": request["analyst"],
            "transaction": {name: value for name, value in scored.items() if name != "features"},
            "stored_at": stored.stored_at,
            "explanation": explanations.explain_features(scored, champion.scorer),
            "queue": dict(queue_item) if queue_item else None,
            "verdicts": [dict(row) for row in given_verdicts],
            "labels": [dict(row) for row in known_labels],
            "dead_letters": [letter.model_dump() for letter in letters],
            "related": [
                _related(column, shared[column], rows) for column, rows in related_rows.items()
            ],
        }
    )


def _related(column: str, value: str | None, rows: list[Any]) -> dict[str, Any]:
    """The transactions that share `value` in `column`. Every row has the same count, `found`."""
    items = [{**row, "amount": format(row["amount"], "f")} for row in rows]
    counts = [item.pop("found") for item in items]
    return {
        "by": column,
        "value": value,
        "found": counts[0] if counts else 0,
        "items": items,
    }
