"""The review queue and verdicts: an item has one analyst, no verdict is forgotten, and only a
verdict that was not taken back becomes a label.
"""

import asyncio
import math

import asyncpg
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer

from fraud_app import topics
from fraud_app.postgres.verdicts import UNDO_WINDOW_S
from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import FOREIGN_KEY, fresh
from tests.support.reviews import as_analyst, case, flagged, say, take

LABEL_S = UNDO_WINDOW_S + TIMEOUT_S
"""A label is sent when its verdict can no longer be taken back."""


@pytest_asyncio.fixture
async def labels(running):
    """`labels(identity)`: the labels of a transaction on the topic so far."""
    consumer = AIOKafkaConsumer(
        topics.LABELS,
        bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"],
        auto_offset_reset="earliest",
        metadata_max_age_ms=1000,  # the topic may be younger than this consumer
    )
    await consumer.start()
    labels_of = {}

    async def read(identity):
        for batch in (await consumer.getmany(timeout_ms=100)).values():
            for record in batch:
                if record.key == FOREIGN_KEY:
                    continue
                label = orjson.loads(record.value)
                labels_of.setdefault(label["transaction_id"], []).append(label)
        return labels_of.get(identity, [])

    yield read
    await consumer.stop()


async def waiting(api, identity, analyst="ann"):
    """The queue's item, or None."""
    oldest = (await api.get("/api/reviews?limit=200&sort=age", **as_analyst(analyst))).body
    most_at_stake = (await api.get("/api/reviews?limit=200", **as_analyst(analyst))).body
    items = {
        item["transaction"]["transaction_id"]: item
        for item in (*oldest["items"], *most_at_stake["items"])
    }
    return items.get(identity)


async def test_a_transaction_sent_to_review_waits_with_its_expected_loss(api):
    scored = await flagged(api)
    item = await waiting(api, scored["transaction_id"])
    assert item["expected_loss_eur"] == pytest.approx(
        scored["probability"] * float(scored["amount"]), rel=1e-3
    )
    assert item["transaction"]["reasons"] == scored["reasons"]
    assert item["taken_by"] is None
    queue = (await api.get("/api/reviews")).body
    assert queue["open"] > 0
    losses = [item["expected_loss_eur"] for item in queue["items"]]
    # A loss that is not known in euro comes first.
    keys = [math.inf if loss is None else loss for loss in losses]
    assert keys == sorted(keys, reverse=True)
    assert {item["transaction"]["decision"] for item in queue["items"]} == {"review"}


async def test_a_verdict_closes_the_item_and_becomes_a_label_when_it_is_final(api, labels):
    identity = (await flagged(api))["transaction_id"]
    given = await say(api, identity, "fraud", reason="stolen_card", note="the customer called")
    assert given.status == 201
    shown = (await case(api, identity)).body
    assert shown["labels"] == [], "it can still be taken back"
    assert given.body["analyst"] == "ann"
    assert await waiting(api, identity) is None
    assert shown["queue"]["closed_at"]
    [verdict] = shown["verdicts"]
    assert (verdict["verdict"], verdict["reason"], verdict["note"], verdict["analyst"]) == (
        "fraud",
        "stolen_card",
        "the customer called",
        "ann",
    )
    [label] = await until(lambda: labels(identity), seconds=LABEL_S)
    assert label["is_fraud"] is True
    assert (label["source"], label["verdict"], label["labelled_by"], label["reason"]) == (
        "analyst",
        "fraud",
        "ann",
        "stolen_card",
    )
    assert label["labelled_at"].startswith(given.body["given_at"][:19])
    await until(lambda: case(api, identity), lambda answer: answer.body["labels"])
    late = await api.send(
        "DELETE",
        f"/api/transactions/{identity}/verdicts/{given.body['verdict_id']}",
        **as_analyst("ann"),
    )
    assert (late.status, late.body["code"]) == (409, "too_late")


async def test_a_verdict_taken_back_leaves_no_label_and_its_item_is_open_again(api, labels):
    identity = (await flagged(api))["transaction_id"]
    given = (await say(api, identity, "approve")).body
    path = f"/api/transactions/{identity}/verdicts/{given['verdict_id']}"
    assert (await api.send("DELETE", path, **as_analyst("bob"))).status == 409, "only who gave it"
    assert (await api.send("DELETE", path, **as_analyst("ann"))).status == 204
    assert (await api.send("DELETE", path, **as_analyst("ann"))).status == 409, "once"
    item = await waiting(api, identity)
    assert item["taken_by"] == "ann"
    verdicts = (await case(api, identity)).body["verdicts"]
    assert [verdict["verdict"] for verdict in verdicts] == ["approve", "undo"]
    other = (await flagged(api))["transaction_id"]
    assert (await say(api, other, "block")).status == 201
    await until(lambda: labels(other), seconds=LABEL_S)
    assert await labels(identity) == [], "its time has passed, the later one's label is there"


async def test_two_analysts_cannot_take_the_same_item(api, other_api):
    identity = (await flagged(api))["transaction_id"]
    answers = await asyncio.gather(
        *(
            take(client, identity, f"analyst-{number}")
            for number in range(8)
            for client in (api, other_api)
        )
    )
    won = {answer.body["taken_by"] for answer in answers if answer.status == 200}
    assert len(won) == 1
    assert {answer.body.get("code") for answer in answers if answer.status != 200} == {"taken"}
    refused = await say(api, identity, "approve", analyst="somebody-else")
    assert (refused.status, refused.body["code"]) == (409, "taken")
    winner = won.pop()
    await api.send("DELETE", f"/api/transactions/{identity}/claim", **as_analyst("somebody-else"))
    assert (await waiting(api, identity))["taken_by"] == winner, "only who has it gives it back"
    await api.send("DELETE", f"/api/transactions/{identity}/claim", **as_analyst(winner))
    assert (await say(api, identity, "approve", analyst="somebody-else")).status == 201


async def test_of_many_verdicts_at_once_one_stands(api, other_api):
    identity = (await flagged(api))["transaction_id"]
    answers = await asyncio.gather(
        *(
            say(client, identity, "approve", analyst=f"analyst-{number}")
            for number in range(6)
            for client in (api, other_api)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {
        "already_decided"
    }
    assert len((await case(api, identity)).body["verdicts"]) == 1


async def test_a_verdict_that_was_seen_can_be_replaced(api):
    identity = (await flagged(api))["transaction_id"]
    first = (await say(api, identity, "approve")).body["verdict_id"]
    assert (
        await say(api, identity, "fraud", analyst="bob", supersedes=first + 1_000_000)
    ).status == 409
    assert (await say(api, identity, "fraud", analyst="bob", supersedes=first)).status == 201


async def test_an_approved_transaction_can_be_reported(api):
    identity = (await api.decided(fresh()))["transaction_id"]
    await until(lambda: case(api, identity), lambda answer: answer.status == 200)
    given = await say(api, identity, "fraud", reason="chargeback")
    assert given.status == 201
    undone = await api.send(
        "DELETE",
        f"/api/transactions/{identity}/verdicts/{given.body['verdict_id']}",
        **as_analyst("ann"),
    )
    assert undone.status == 204
    assert await waiting(api, identity) is None, "it never waited for a review"


async def test_a_skipped_item_is_left_to_others(api):
    identity = (await flagged(api))["transaction_id"]
    assert (await take(api, identity, "ann")).status == 200
    assert (await say(api, identity, "skip")).status == 201
    assert await waiting(api, identity, "ann") is None
    assert (await waiting(api, identity, "bob"))["taken_by"] is None
    assert (await say(api, identity, "approve", analyst="bob")).status == 201


async def test_nobody_can_change_a_verdict(api, running):
    identity = (await flagged(api))["transaction_id"]
    assert (await say(api, identity, "approve", note="kept")).status == 201
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        for statement in (
            "UPDATE verdicts SET note = ''",
            "DELETE FROM verdicts",
            "TRUNCATE verdicts CASCADE",
        ):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.usefixtures("recovery")
async def test_a_label_survives_a_killed_process(api, running, labels):
    identity = (await flagged(api))["transaction_id"]
    assert (await say(api, identity, "fraud")).status == 201
    running.sinks.process.kill()
    received = await until(lambda: labels(identity), seconds=LABEL_S)
    assert {label["is_fraud"] for label in received} == {True}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verdict": "maybe"}, "/verdict"),
        ({"verdict": "approve", "reason": "a whim"}, "/reason"),
        ({}, "/verdict"),
        ({"verdict": "approve", "note": "x" * 2001}, "/note"),
        ({"verdict": "approve", "by": "me"}, "/by"),
    ],
)
async def test_a_wrong_verdict_is_refused_by_its_field(api, body, field):
    answer = await api.post("/api/transactions/any/verdicts", body)
    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == [field]


async def test_an_unknown_transaction_or_customer_is_not_found(api):
    assert (await say(api, "never-sent", "approve")).status == 404
    assert (await case(api, "never-sent")).status == 404
    assert (await take(api, "never-sent", "ann")).status == 409
    assert (await api.send("DELETE", "/api/transactions/never-sent/verdicts/x")).status == 404
    assert (await api.get("/api/users/never-seen")).status == 404
