"""An analyst's verdict: give it, take it back."""

from __future__ import annotations

from aiohttp import web

from fraud_app.postgres import verdicts
from fraud_app.resources import config
from web.api.query import query
from web.http.body import answer, checked, json_object
from web.http.problem import Problem
from web.schemas.verdicts import VerdictGiven, VerdictRequest


async def give(request: web.Request) -> web.Response:
    """Give a verdict: it is kept with who and when, and becomes a label when it can no longer be
    taken back.
    """
    wanted = checked(VerdictRequest, await json_object(request, config.web.max_body_bytes))
    said = verdicts.NewVerdict(
        request.match_info["transaction_id"],
        wanted.verdict,
        wanted.reason,
        wanted.note.strip(),
        request["analyst"],
        wanted.supersedes,
    )
    given = await query(lambda connected: verdicts.record(connected, said))
    return answer(
        VerdictGiven(analyst=said.analyst, **given._asdict()).model_dump(mode="json"), 201
    )


async def undo(request: web.Request) -> web.Response:
    """Take back a verdict of one's own, within ten seconds."""
    identity = request.match_info["transaction_id"]
    try:
        verdict = int(request.match_info["verdict_id"])
    except ValueError as error:
        raise Problem(404, "not_found", "a verdict's id is a number") from error
    await query(lambda connected: verdicts.undo(connected, identity, verdict, request["analyst"]))
    return web.Response(status=204)
