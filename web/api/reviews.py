"""The review queue over HTTP: list open items, claim an item, release it. Verdicts are in
`verdicts`.
"""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from fraud_app.postgres import review_queue
from web.api.query import query, requested_key
from web.http.body import answer, query_parameters
from web.http.problem import Problem
from web.schemas.reviews import Claim, QueueQuery
from web.schemas.transactions import TransactionQuery


async def queue(request: web.Request) -> web.Response:
    """What waits for an analyst, and how the queue is doing."""
    parameters = query_parameters(QueueQuery, request)
    queue_filter = review_queue.QueueFilter(
        analyst=request["analyst"],
        order=parameters.sort,
        min_score=parameters.min_score,
        user_id=parameters.user_id,
        country=parameters.country,
    )
    state = await query(review_queue.summary)
    rows = await query(lambda pool: review_queue.open_items(pool, queue_filter, parameters.limit))
    verdicts_day = state["verdicts_day"]
    return answer(
        {
            "analyst": request["analyst"],
            "open": state["open"],
            "oldest_at": state["oldest_at"],
            "verdicts_hour": state["verdicts_hour"],
            "approved_share": state["approved_day"] / verdicts_day if verdicts_day else None,
            "items": [_item(dict(row)) for row in rows],
        }
    )


async def take(request: web.Request) -> web.Response:
    """Take an open item for five minutes, or keep it for longer."""
    key = await requested_key(request, query_parameters(TransactionQuery, request).user_id)
    analyst = request["analyst"]
    until = await query(lambda pool: review_queue.claim(pool, key, analyst))
    if until is None:
        item = await query(lambda pool: review_queue.item(pool, key))
        if item is None or item["closed_at"]:
            raise Problem(409, "not_open", "this payment does not wait for a review")
        raise Problem(409, "taken", f"{item['taken_by']} is deciding this one")
    return answer(Claim(taken_by=analyst, taken_until=until).model_dump(mode="json"))


async def release(request: web.Request) -> web.Response:
    """Give an item back."""
    key = await requested_key(request, query_parameters(TransactionQuery, request).user_id)
    analyst = request["analyst"]
    await query(lambda pool: review_queue.release(pool, key, analyst))
    return web.Response(status=204)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its stored JSON as `transaction`, which is not parsed again."""
    return {"transaction": orjson.Fragment(row.pop("scored")), **row}
