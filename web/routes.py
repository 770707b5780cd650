"""The only table of routes: aiohttp serves it and OpenAPI describes it, so that the two can never
differ. Faust's autodiscovery imports this module; nothing else should.
"""

from __future__ import annotations

from typing import Any, cast

from fraud_app.app import app
from fraud_app.contracts.scored import ScoredTransaction
from fraud_app.contracts.transaction import Transaction
from web import live, pages
from web.api import (
    cases,
    dead_letters,
    health,
    models,
    operations,
    reviews,
    samples,
    score,
    stats,
    transactions,
)
from web.api.features import features
from web.api.users import customer
from web.api.verdicts import give, undo
from web.http import openapi
from web.http.body import expectation
from web.http.route import Route, pattern
from web.schemas.cases import Case
from web.schemas.dead_letters import (
    DeadLetterDetail,
    DeadLetterQuery,
    DeadLetters,
    ResendAnswer,
    ResendRequest,
)
from web.schemas.health import Health
from web.schemas.live import LiveQuery
from web.schemas.models import DriftReport, FeatureInfo, ModelReport
from web.schemas.operations import Operations
from web.schemas.reviews import Claim, Queue, QueueQuery
from web.schemas.score import BatchAnswer, ScoreBatch
from web.schemas.stats import Breakdowns, Stats, StatsQuery
from web.schemas.transactions import (
    Accepted,
    DetailQuery,
    ExplainedTransaction,
    ListQuery,
    Page,
    StoredDetailQuery,
    SubmitQuery,
    TransactionQuery,
    TransactionRequest,
)
from web.schemas.users import Customer
from web.schemas.verdicts import VerdictGiven, VerdictRequest

ROUTES = (
    Route("POST", "/api/transactions", transactions.submit, "transactions",
          {200: ScoredTransaction, 202: Accepted},
          TransactionRequest, SubmitQuery, (400, 413, 415, 422, 503)),
    Route("GET", "/api/transactions", transactions.list_all, "transactions",
          {200: Page}, None, ListQuery, (422, 503)),
    Route("GET", "/api/transactions/alerts", transactions.list_alerts, "transactions",
          {200: Page}, None, ListQuery, (422, 503)),
    Route("GET", "/api/transactions/stats", stats.stats, "transactions",
          {200: Stats}, None, StatsQuery, (422, 503)),
    Route("GET", "/api/transactions/breakdowns", stats.breakdowns, "transactions",
          {200: Breakdowns}, None, StatsQuery, (422, 503)),
    Route("GET", "/api/transactions/{transaction_id}", transactions.detail, "transactions",
          {200: ExplainedTransaction}, None, StoredDetailQuery, (404, 409, 422, 503)),
    Route("GET", "/api/transactions/{transaction_id}/case", cases.case, "review",
          {200: Case}, None, TransactionQuery, (404, 409, 422, 503)),
    Route("GET", "/api/reviews", reviews.queue, "review",
          {200: Queue}, None, QueueQuery, (422, 503)),
    Route("PUT", "/api/transactions/{transaction_id}/claim", reviews.take, "review",
          {200: Claim}, None, TransactionQuery, (409, 422, 503)),
    Route("DELETE", "/api/transactions/{transaction_id}/claim", reviews.release, "review",
          {204: None}, None, TransactionQuery, (409, 422, 503)),
    Route("POST", "/api/transactions/{transaction_id}/verdicts", give, "review",
          {201: VerdictGiven}, VerdictRequest, TransactionQuery,
          (400, 404, 409, 413, 415, 422, 503)),
    Route("DELETE", "/api/transactions/{transaction_id}/verdicts/{verdict_id}", undo, "review",
          {204: None}, None, TransactionQuery, (404, 409, 422, 503)),
    Route("GET", "/api/users/{user_id}", customer, "review", {200: Customer}, problems=(404, 503)),
    Route("POST", "/score", score.score_one, "scoring",
          {200: ScoredTransaction}, TransactionRequest, DetailQuery, (400, 413, 415, 422)),
    Route("POST", "/score/batch", score.score_batch, "scoring",
          {200: BatchAnswer}, ScoreBatch, DetailQuery, (400, 413, 415, 422)),
    Route("GET", "/api/features", features, "model", {200: FeatureInfo}, many=True),
    Route("GET", "/api/model", models.current_model, "model"),
    Route("GET", "/api/models", models.models, "model", {200: ModelReport}, problems=(503,)),
    Route("GET", "/api/models/drift", models.drift, "model", {200: DriftReport}, problems=(503,)),
    Route("GET", "/api/samples/{kind}", samples.sample, "transactions",
          {200: Transaction}, problems=(404,)),
    Route("GET", "/api/samples/series/{scenario}", samples.series, "transactions",
          {200: Transaction}, problems=(404,), many=True),
    Route("GET", "/api/operations", operations.operations, "operations", {200: Operations}),
    Route("GET", "/api/dead-letters", dead_letters.dead_letters, "operations",
          {200: DeadLetters}, None, DeadLetterQuery, (422, 503)),
    Route("POST", "/api/dead-letters/resend", dead_letters.send_again, "operations",
          {200: ResendAnswer}, ResendRequest, None, (400, 413, 415, 422, 503)),
    Route("GET", "/api/dead-letters/{offset}", dead_letters.one, "operations",
          {200: DeadLetterDetail}, problems=(404, 503)),
    Route("GET", "/api/health", health.health, "operations", {200: Health, 503: Health}),
    Route("GET", "/health", health.health, "operations", {200: Health, 503: Health}),
    Route("GET", "/livez", health.livez, "operations", media="text/plain"),
    Route("GET", "/readyz", health.readyz, "operations", {200: None, 503: None},
          media="text/plain"),
    Route("GET", "/metrics", health.prometheus, "operations", media="text/plain"),
    Route("GET", "/ws", live.live, "transactions", {101: None}, None, LiveQuery,
          (400, 422, 426, 503)),
)  # fmt: skip

openapi.describe(ROUTES)
application: Any = cast(Any, app.web).web_app
router = application.router
for route in ROUTES:
    if route.method == "GET":
        router.add_get(pattern(route.path), route.handler, expect_handler=expectation)
    else:
        router.add_route(
            route.method, pattern(route.path), route.handler, expect_handler=expectation
        )
router.add_get("/openapi.json", openapi.document)
pages.register(router)
application.on_shutdown.append(live.close_all)
