"""The HTTP API of a running worker: transactions, scores, lists, figures and its description."""

import asyncio
import re
import uuid

import orjson
import pytest
from openapi_spec_validator import validate

from fraud_app.contracts.scored import ScoredTransaction
from tests.support.api_client import until
from tests.support.builders import fresh, payload
from tests.support.history import PARTITIONS, everything_stored


async def test_a_transaction_is_accepted_scored_and_stored(api):
    sent = fresh()
    accepted = await api.post("/api/transactions", sent)
    assert accepted.status == 202
    assert (
        accepted.headers["Location"]
        == f"/api/transactions/{sent['transaction_id']}?user_id={sent['user_id']}"
    )
    answer = await until(
        lambda: api.get(accepted.headers["Location"]), lambda answer: answer.status == 200
    )
    scored = ScoredTransaction.model_validate(answer.body)
    assert (scored.transaction_id, scored.amount, scored.decision.value) == (
        sent["transaction_id"],
        "20.00",
        "approve",
    )


@pytest.mark.parametrize("how", ["query", "prefer"])
async def test_waiting_gives_the_decision_in_the_answer(api, other_api, how):
    for client in (api, other_api):  # one of them does not own the partition
        path, headers = (
            ("/api/transactions?wait=8000", {})
            if how == "query"
            else ("/api/transactions", {"Prefer": "wait=8"})
        )
        answer = await client.post(path, fresh(), headers=headers)
        assert answer.status == 200
        assert answer.body["latency_ms"]["total"] > 0


async def test_fraud_is_flagged_with_reasons_in_words(api):
    sample = (await api.get("/api/samples/fraud")).body
    scored = await api.decided(sample)
    assert scored["decision"] in ("review", "block")
    assert scored["risk_score"] >= 60
    assert all(reason["text"] and reason["contribution"] > 0 for reason in scored["reasons"])
    assert (await api.decided((await api.get("/api/samples/normal")).body))["decision"] == "approve"


async def test_the_same_transaction_twice_is_counted_once(api):
    sent = fresh()
    first = await api.decided(sent)
    again = await until(
        lambda: api.post("/api/transactions?wait=10000", sent), lambda answer: answer.status == 200
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {
        name: again.body[name] for name in ("decision", "probability", "risk_score", "scored_at")
    } == {name: first[name] for name in ("decision", "probability", "risk_score", "scored_at")}
    question = {**fresh(), "user_id": sent["user_id"]}
    counted = await until(
        lambda: api.post("/score", question), lambda answer: answer.body["features"][4] > 0
    )
    assert counted.body["features"][4] == 1, "counted once"


async def test_a_used_id_for_another_transaction_is_refused(api):
    sent = fresh()
    assert (await api.post("/api/transactions", sent)).status == 202
    refused = await api.post("/api/transactions", {**sent, "amount": "21.00"})
    assert (refused.status, refused.body["code"]) == (422, "id_reused")


async def test_id_and_time_are_filled_in(api):
    sent = fresh()
    del sent["transaction_id"], sent["occurred_at"]
    key = f"key-{uuid.uuid4().hex}"
    assert (
        await api.post("/api/transactions", dict(sent), headers={"Idempotency-Key": f'"{key}"'})
    ).body["transaction_id"] == key
    assert len((await api.post("/api/transactions", sent)).body["transaction_id"]) == 36


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"{", 400, "malformed_json", None),
        (b"[]", 400, "malformed_json", None),
        (orjson.dumps(payload(amount="-5")), 422, "validation_failed", "/amount"),
        (
            orjson.dumps(payload(currency="XXX", payment_method={"bin_country": "Germany"})),
            422,
            "validation_failed",
            "/currency",
        ),
        (
            orjson.dumps(payload(metadata={"card": {"number": "4111111111111111"}})),
            422,
            "validation_failed",
            "/metadata/card/number",
        ),
        (b'{"a":"' + b"x" * 70_000 + b'"}', 413, "body_too_large", None),
    ],
)
@pytest.mark.parametrize("path", ["/api/transactions", "/score"])
async def test_bad_input_gets_a_problem_that_names_the_field(
    api, path, body, status, code, pointer
):
    async with api.session.post(
        path, data=body, headers={"Content-Type": "application/json"}
    ) as answer:
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "4111" not in str(problem)
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(api):
    assert (await api.get("/api/nothing")).body["code"] == "not_found"
    refused = await api.post("/health", {})
    assert (refused.status, refused.body["code"], refused.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "GET, HEAD",
    )
    async with api.session.post(
        "/score", data=b"a=1", headers={"Content-Type": "text/plain"}
    ) as answer:
        assert answer.status == 415
    assert (await api.get("/api/transactions?colour=red")).status == 422


async def test_lists_are_paged_without_gap_or_repeat_and_filtered(api):
    user = f"u-{uuid.uuid4().hex}"
    sent = [fresh(user_id=user) for _ in range(7)]
    await asyncio.gather(*(api.decided(transaction) for transaction in sent))
    await until(
        lambda: api.get(f"/api/transactions?user_id={user}"),
        lambda answer: len(answer.body["items"]) == 7,
    )
    seen: list[str] = []
    path: str | None = f"/api/transactions?user_id={user}&limit=3"
    while path:
        page = await api.get(path)
        seen += [item["transaction_id"] for item in page.body["items"]]
        cursor = page.body["next_cursor"]
        path = f"/api/transactions?user_id={user}&limit=3&cursor={cursor}" if cursor else None
        assert ("Link" in page.headers) == bool(cursor)
    assert sorted(seen) == sorted(transaction["transaction_id"] for transaction in sent)
    assert (await api.get(f"/api/transactions?user_id={user}&decision=block")).body["items"] == []
    assert (await api.get("/api/transactions?cursor=nonsense")).status == 422


async def test_alerts_are_the_transactions_that_were_not_approved(api):
    flagged = await api.decided((await api.get("/api/samples/fraud")).body)
    page = await until(
        lambda: api.get("/api/transactions/alerts"),
        lambda answer: (
            flagged["transaction_id"] in {item["transaction_id"] for item in answer.body["items"]}
        ),
    )
    assert {item["decision"] for item in page.body["items"]} <= {"review", "block"}


async def test_score_changes_nothing_and_both_workers_answer_alike(api, other_api):
    user = f"u-{uuid.uuid4().hex}"
    for _ in range(3):
        await api.decided(fresh(user_id=user))
    question = fresh(user_id=user)
    first = await until(
        lambda: api.post("/score", question), lambda answer: answer.body["features"][4] == 3
    )
    assert first.status == 200
    assert "model;dur=" in first.headers["Server-Timing"]
    # The mirror follows within its interval.
    other = await until(
        lambda: other_api.post("/score", question), lambda answer: answer.body["features"][4] == 3
    )
    assert (
        first.body["features"][4] == (await api.post("/score", question)).body["features"][4] == 3
    )
    assert other.body["probability"] == pytest.approx(first.body["probability"], abs=0.05)
    assert (await api.get(f"/api/transactions/{question['transaction_id']}")).status == 404


async def test_an_approval_is_explained_on_request(api):
    question = fresh()
    assert (await api.post("/score", question)).body["reasons"] == []
    assert len((await api.post("/score?explain=true", question)).body["reasons"]) > 0
    scored = await api.decided(question)
    path = f"/api/transactions/{scored['transaction_id']}?explain=true"
    answer = await until(lambda: api.get(path), lambda answer: answer.status == 200)
    explanation = answer.body["explanation"]
    assert len(explanation) == len((await api.get("/api/features")).body)
    assert {"code", "text", "meaning", "contribution"} <= explanation[0].keys()


async def test_a_batch_is_answered_item_by_item(api):
    answer = await api.post(
        "/score/batch", {"transactions": [fresh(), payload(amount="-1"), 7, fresh()]}
    )
    results = answer.body["results"]
    assert [result["error"] is None for result in results] == [True, False, False, True]
    assert results[1]["error"]["errors"][0]["pointer"] == "/amount"
    assert results[3]["result"]["decision"] == "approve"
    assert (await api.post("/score/batch", {"transactions": [fresh()] * 501})).status == 422
    assert (await api.post("/score/batch", {"transactions": []})).status == 422


async def test_stats_count_each_transaction_once(api):
    async def stats():
        """The figures when nothing is on its way any more."""
        await everything_stored(api)
        return (await api.get("/api/transactions/stats?window=24h")).body

    before = (await stats())["transactions"]
    sent = fresh()
    await api.decided(sent)
    await api.decided(sent)
    after = await stats()
    count = before + 1 + PARTITIONS  # `everything_stored` sends one to each partition
    assert after["transactions"] == count
    assert sum(bar["approve"] + bar["review"] + bar["block"] for bar in after["scores"]) == count


CHECKS = {"kafka", "redis", "postgres", "model", "worker", "tasks"}


async def test_health_names_model_redis_broker_and_database(api):
    for path in ("/health", "/api/health"):
        state = await until(
            lambda path=path: api.get(path), lambda answer: answer.body["status"] == "ok"
        )
        assert state.status == 200
        assert set(state.body["checks"]) == CHECKS
    assert (await api.get("/livez")).status == 200
    assert (await api.get("/readyz")).status == 200


async def test_metrics_are_in_prometheus_format(api):
    await api.decided(fresh())
    for name in (
        "fraud_transactions_scored_total{",
        "fraud_scoring_duration_seconds_bucket",
        "fraud_dependency_up",
        "fraud_consumer_lag_messages",
    ):
        # Some are measured at intervals.
        await until(lambda: api.get("/metrics"), lambda answer, name=name: name in answer.body)


async def test_the_description_is_valid_openapi_and_complete(api):
    document = (await api.get("/openapi.json")).body
    validate(document)
    assert document["openapi"].startswith("3.1")
    for path in (
        "/api/transactions",
        "/api/transactions/{transaction_id}",
        "/score",
        "/score/batch",
        "/health",
        "/metrics",
        "/ws",
    ):
        assert path in document["paths"]


async def test_the_pages_of_faust_are_closed(api):
    for path in ("/table/", "/table/user_rows/", "/router/", "/stats/", "/graph/", "/performance/"):
        assert (await api.get(path)).status == 404, path


async def test_other_origins_and_rebound_host_names_are_refused(api):
    evil = {"Origin": "https://evil.example"}
    assert (await api.post("/score", fresh(), headers=evil)).body["code"] == "origin_refused"
    assert (
        await api.get("/ws", headers={**evil, "Upgrade": "websocket", "Connection": "Upgrade"})
    ).status == 403
    assert (await api.get("/health", headers={"Host": "evil.example:6066"})).body[
        "code"
    ] == "host_refused"


async def test_answers_carry_security_headers(api):
    headers = (await api.get("/")).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_long_answers_are_compressed_once_and_short_ones_not_at_all(api):
    for _ in range(3):
        await asyncio.gather(
            *(api.decided(payload(transaction_id=uuid.uuid4().hex)) for _ in range(10))
        )
    await until(
        lambda: api.get("/api/transactions?limit=30"),
        lambda answer: len(answer.body["items"]) == 30,
    )
    asked = {"Accept-Encoding": "gzip"}
    page = await api.send("GET", "/")
    script = re.search(r'href="(/static/\w+/vendor/plotly-basic.min.js)"', page.body).group(1)
    for path, encoding in (
        ("/api/transactions?limit=30", "gzip"),
        ("/api/transactions?limit=1", None),
        (script, "gzip"),
    ):
        async with api.session.get(path, headers=asked) as answer:
            assert answer.headers.get("Content-Encoding") == encoding, path
            text = await answer.text()
            assert text.startswith(("{", "/*")), path
