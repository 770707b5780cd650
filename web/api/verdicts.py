"""Verdicts over HTTP: an analyst gives one, or undoes it."""

from __future__ import annotations

from aiohttp import web

from fraud_app.contracts.card_text import masked_text
from fraud_app.postgres import verdicts
from fraud_app.resources import config
from web.api.query import query, requested_key
from web.http.body import answer, json_object, query_parameters, validated
from web.http.problem import Problem
from web.schemas.transactions import TransactionQuery
from web.schemas.verdicts import VerdictGiven, VerdictRequest


async def give(request: web.Request) -> web.Response:
    """Give a verdict: it is kept with who and when, and becomes a label when it can no longer be
    taken back.
    """
    parameters = query_parameters(TransactionQuery, request)
    body = validated(VerdictRequest, await json_object(request, config.web.max_body_bytes))
    verdict = verdicts.NewVerdict(
        key=await requested_key(request, parameters.user_id),
        verdict=body.verdict,
        reason=body.reason,
        note=masked_text(body.note.strip()),
        analyst=request["analyst"],
        supersedes=body.supersedes,
    )
    recorded = await query(lambda pool: verdicts.record(pool, verdict))
    report = VerdictGiven(analyst=verdict.analyst, **recorded._asdict())
    return answer(report.model_dump(mode="json"), 201)


async def undo(request: web.Request) -> web.Response:
    """Take back a verdict of one's own, within ten seconds."""
    parameters = query_parameters(TransactionQuery, request)
    try:
        verdict_id = int(request.match_info["verdict_id"])
    except ValueError as error:
        raise Problem(404, "not_found", "a verdict's id is a number") from error
    key = await requested_key(request, parameters.user_id)
    await query(lambda pool: verdicts.undo(pool, key, verdict_id, request["analyst"]))
    return web.Response(status=204)
