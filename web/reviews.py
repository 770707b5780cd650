"""The review queue and verdicts over HTTP: see what waits, take an item, decide it, take the decision back."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from fraud_app.app import config
from fraud_app.postgres import review_queue, verdicts
from web.analyst_models import Claim, QueueQuery, VerdictGiven, VerdictRequest
from web.asking import ask
from web.body import answer, checked, json_object, query
from web.problem import Problem


async def queue(request: web.Request) -> web.Response:
    """What waits for an analyst, and how the queue is doing."""
    wanted = query(QueueQuery, request)
    part = review_queue.QueueFilter(request["analyst"], wanted.sort, wanted.min_score, wanted.user_id, wanted.country)
    state = await ask(review_queue.summary)
    rows = await ask(lambda connected: review_queue.open_items(connected, part, wanted.limit))
    return answer({
        "analyst": request["analyst"],
        "open": state["open"],
        "oldest_at": state["oldest_at"],
        "verdicts_hour": state["verdicts_hour"],
        "approved_share": state["approved_day"] / state["verdicts_day"] if state["verdicts_day"] else None,
        "items": [_item(dict(row)) for row in rows],
    })  # fmt: skip


async def take(request: web.Request) -> web.Response:
    """Take an open item for five minutes, or keep it for longer."""
    identity, analyst = request.match_info["transaction_id"], request["analyst"]
    until = await ask(lambda connected: review_queue.claim(connected, identity, analyst))
    if until is None:
        item = await ask(lambda connected: review_queue.item(connected, identity))
        if item is None or item["closed_at"]:
            raise Problem(409, "not_open", "this payment does not wait for a review")
        raise Problem(409, "taken", f"{item['taken_by']} is deciding this one")
    return answer(Claim(taken_by=analyst, taken_until=until).model_dump(mode="json"))


async def release(request: web.Request) -> web.Response:
    """Give an item back."""
    identity, analyst = request.match_info["transaction_id"], request["analyst"]
    await ask(lambda connected: review_queue.release(connected, identity, analyst))
    return web.Response(status=204)


async def give(request: web.Request) -> web.Response:
    """Give a verdict: it is kept with who and when, and becomes a label when it can no longer be taken back."""
    wanted = checked(VerdictRequest, await json_object(request, config.web.max_body_bytes))
    said = verdicts.NewVerdict(
        request.match_info["transaction_id"], wanted.verdict, wanted.reason, wanted.note.strip(), request["analyst"], wanted.supersedes
    )  # fmt: skip
    given = await ask(lambda connected: verdicts.record(connected, said))
    return answer(VerdictGiven(analyst=said.analyst, **given._asdict()).model_dump(mode="json"), 201)


async def undo(request: web.Request) -> web.Response:
    """Take back a verdict of one's own, within ten seconds."""
    identity = request.match_info["transaction_id"]
    try:
        verdict = int(request.match_info["verdict_id"])
    except ValueError as error:
        raise Problem(404, "not_found", "a verdict's id is a number") from error
    await ask(lambda connected: verdicts.undo(connected, identity, verdict, request["analyst"]))
    return web.Response(status=204)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    return {"transaction": orjson.Fragment(row.pop("scored")), **row}
