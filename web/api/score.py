"""`POST /score` and `/score/batch`: the decision that a transaction would get now. Nothing may be
counted, stored or sent here. Any worker answers for any user: from its own table when it owns the
user's partition, else from the mirror in Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from fraud_app import metrics
from fraud_app.contracts.reading import ReadTransaction
from fraud_app.decisions import reasons
from fraud_app.decisions.parse import Record, ScoringInput, scoring_input
from fraud_app.decisions.score import NO_SIGNALS, score
from fraud_app.decisions.scored_message import feature_values, scored_fields
from fraud_app.resources import champion, config, signal_store
from ml.decision_record import Contribution, DecisionRecord
from ml.profile.event import event_time_ms
from ml.serving.scorer import matrix_of
from web.api.rows import rows_of
from web.api.transaction_body import posted_transaction
from web.http.application import BATCH_FACTOR
from web.http.body import answer, json_object, query_parameters, validated
from web.http.problem import Problem
from web.schemas.score import ScoreBatch
from web.schemas.transactions import DetailQuery

SLICE = 16
"""Scored at a time before the event loop gets a turn: the stream must not wait for a batch of 500.
"""


async def score_one(request: web.Request) -> web.Response:
    """Score a transaction against the user's state as it is."""
    parameters = query_parameters(DetailQuery, request)
    posted = posted_transaction(await json_object(request, config.web.max_body_bytes))
    [scored] = await _score([posted.read], explain=parameters.explain)
    latency = scored["latency_ms"]
    timing = ", ".join(f"{stage};dur={latency[stage]}" for stage in ("features", "model", "total"))
    return answer(scored, headers={"Server-Timing": timing})


async def score_batch(request: web.Request) -> web.Response:
    """Score up to 500 transactions; each gets a result or its own error. They do not see each
    other.
    """
    parameters = query_parameters(DetailQuery, request)
    batch = validated(
        ScoreBatch, await json_object(request, config.web.max_body_bytes * BATCH_FACTOR)
    )
    results: list[dict[str, Any]] = []
    valid: list[tuple[int, ReadTransaction]] = []
    for index, item in enumerate(batch.transactions):
        results.append({"result": None, "error": None})
        try:
            if not isinstance(item, dict):
                raise Problem(422, "validation_failed", "each transaction must be a JSON object")
            valid.append((index, posted_transaction(item).read))
        except Problem as problem:
            results[index]["error"] = {
                "status": problem.status,
                "code": problem.code,
                "detail": problem.detail,
                "errors": problem.errors or [],
            }
    for start in range(0, len(valid), SLICE):
        part = valid[start : start + SLICE]
        scored_part = await _score([read for _, read in part], explain=parameters.explain)
        for (index, _), scored in zip(part, scored_part, strict=True):
            results[index]["result"] = scored
        await asyncio.sleep(0)
    return answer({"results": results})


async def _score(items: Sequence[ReadTransaction], *, explain: bool) -> list[dict[str, Any]]:
    """The fields of each scored transaction. Without Redis, the decision is marked as degraded."""
    started = time.perf_counter()
    now_ms = time.time_ns() // 1_000_000
    by_occurred = config.stream.clock == "occurred"
    inputs = [
        scoring_input(
            Record(-1, -1, None, None, now_ms),  # no Kafka partition and no offset
            read.transaction,
            event_time_ms(read.transaction, now_ms) if by_occurred else now_ms,
            read.warnings,
        )
        for read in items
    ]
    rows, mirrored = await rows_of([read.transaction.user_id for read in items])
    signals = await signal_store.peek([(item.event, item.user_hash) for item in inputs])
    with_signals = list(zip(inputs, signals or [NO_SIGNALS] * len(inputs), strict=True))
    for item in inputs:
        metrics.count_warnings(item.warnings)
    degraded = () if mirrored and signals is not None else ("redis",)
    scored = score(with_signals, rows, champion.scorer, degraded)
    spent_us = int((time.perf_counter() - started) * 1e6)
    return [
        _answer_of(item, decision._replace(total_us=spent_us), explain=explain)
        for item, decision in scored
    ]


def _answer_of(item: ScoringInput, decision: DecisionRecord, *, explain: bool) -> dict[str, Any]:
    """The fields of the scored message. With `explain`, approvals have their main reasons too."""
    if explain and not decision.reasons and champion.scorer:
        parts = champion.scorer.contributions(matrix_of([feature_values(decision.features)]))[0]
        strongest = sorted(range(len(parts)), key=lambda index: -abs(parts[index]))[: reasons.TOP]
        decision = decision._replace(
            reasons=tuple(Contribution(index, parts[index]) for index in strongest)
        )
    return scored_fields(item.transaction, decision, item.warnings)
