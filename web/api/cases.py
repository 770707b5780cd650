"""One decided transaction with all that is known of it, and one customer: what an analyst needs on
one screen.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import web

from fraud_app.decisions import explanations
from fraud_app.postgres import labels, related, review_queue, transactions, verdicts
from fraud_app.resources import champion
from web.api.query import query
from web.http.body import answer
from web.http.problem import Problem


async def case(request: web.Request) -> web.Response:
    """A decided transaction, why, what was said of it, and what it is related to."""
    identity = request.match_info["transaction_id"]
    stored = await query(lambda connected: transactions.get(connected, identity))
    if stored is None:
        raise Problem(
            404,
            "not_found",
            f"no transaction {identity[:128]} is stored; it may still be on its way",
        )
    scored = orjson.loads(stored.scored)
    shared = {
        "user_id": scored["user_id"],
        "device_id": scored["device_id"],
        "ip": scored["ip"],
        "card": scored["payment_method"]["fingerprint"],
    }
    item, said, known, others = await asyncio.gather(
        query(lambda connected: review_queue.item(connected, identity)),
        query(lambda connected: verdicts.for_transaction(connected, identity)),
        query(lambda connected: labels.for_transaction(connected, identity)),
        query(lambda connected: related.related_to(connected, identity, shared)),
    )
    return answer(
        {
            "analyst": request["analyst"],
            "transaction": {name: value for name, value in scored.items() if name != "features"},
            "stored_at": stored.stored_at,
            "explanation": explanations.explain_features(scored, champion.scorer),
            "queue": dict(item) if item else None,
            "verdicts": [dict(one) for one in said],
            "labels": [dict(one) for one in known],
            "related": [_related(by, shared[by], rows) for by, rows in others.items()],
        }
    )


def _related(by: str, value: str | None, rows: list[Any]) -> dict[str, Any]:
    briefs = [{**row, "amount": format(row["amount"], "f")} for row in rows]
    found = briefs[0]["found"] if briefs else 0
    return {
        "by": by,
        "value": value,
        "found": found,
        "items": [{k: v for k, v in one.items() if k != "found"} for one in briefs],
    }
