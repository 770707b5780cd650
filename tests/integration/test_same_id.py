"""Two customers have a transaction with the same id: nobody's answer, case or label is the other
one's, by whichever way it came.
"""

import asyncio
import uuid

import orjson
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from fraud_app import topics
from fraud_app.postgres.verdicts import UNDO_WINDOW_S
from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import fresh
from tests.support.history import PARTITIONS, fresh_in
from tests.support.reviews import as_analyst, case, flagged, path_of, say, take

LABEL_S = UNDO_WINDOW_S + TIMEOUT_S


def new_id():
    return f"order-{uuid.uuid4().hex}"


def two(**fields):
    """Transactions of two customers, of different partitions, with one id."""
    identity = new_id()
    return [
        {**fresh_in(partition), "transaction_id": identity, "amount": amount, **fields}
        for partition, amount in ((0, "12.00"), (PARTITIONS - 1, "34.00"))
    ]


@pytest_asyncio.fixture
async def send(running):
    """`send(topic, value, key)`: a record of somebody else."""
    producer = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()

    async def send(topic, value, key):
        await producer.send_and_wait(topic, orjson.dumps(value), key=key.encode())

    yield send
    await producer.stop()


async def stored(api, *transactions):
    """Wait until these are stored, and return the answers."""
    return [
        await until(
            lambda one=one: api.get(path_of(one["transaction_id"], user=one["user_id"])),
            lambda answer: answer.status == 200,
        )
        for one in transactions
    ]


def chargeback(transaction, **fields):
    identity = transaction["transaction_id"]
    return {"transaction_id": identity, "is_fraud": True, "source": "chargeback", **fields}


async def labels_of(api, transaction):
    shown = await case(api, transaction["transaction_id"], transaction["user_id"])
    return [(label["source"], label["is_fraud"]) for label in shown.body["labels"]]


async def test_whoever_waits_gets_the_decision_on_the_own_transaction(api, other_api):
    for _ in range(5):
        sent = two()
        answers = await asyncio.gather(
            *(
                client.post("/api/transactions?wait=10000", one)
                for client in (api, other_api)
                for one in sent
            )
        )
        for one, answer in zip(sent * 2, answers, strict=True):
            assert answer.status == 200
            assert answer.body["user_id"] == one["user_id"]
            assert answer.body["amount"] == one["amount"]


async def test_both_are_decided_and_stored_and_neither_refuses_the_other(api):
    ann, bob = two()
    for one in (ann, bob):
        accepted = await api.post("/api/transactions", one)
        assert accepted.status == 202
        assert accepted.body["user_id"] == one["user_id"]
        assert "Idempotent-Replayed" not in accepted.headers, "it is another transaction"
        found = await until(
            lambda accepted=accepted: api.get(accepted.headers["Location"]),
            lambda answer: answer.status == 200,
        )
        assert (found.body["user_id"], found.body["amount"]) == (one["user_id"], one["amount"])
    listed = (await api.get(f"/api/transactions?q={ann['transaction_id']}")).body["items"]
    assert {item["user_id"] for item in listed} == {ann["user_id"], bob["user_id"]}
    again = await api.post("/api/transactions?wait=10000", ann)
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    changed = await api.post("/api/transactions", {**bob, "amount": "35.00"})
    assert (changed.status, changed.body["code"]) == (422, "id_reused")


async def test_both_are_decided_when_they_come_by_kafka(api, send):
    ann, bob = two()
    for one in (ann, bob, ann):
        await send(topics.RAW, one, one["user_id"])
    answers = await stored(api, ann, bob)
    assert [answer.body["amount"] for answer in answers] == ["12.00", "34.00"]


async def test_an_id_alone_is_refused_when_it_is_ambiguous_and_gives_nobody_away(api):
    ann, bob = two()
    identity = ann["transaction_id"]
    await api.decided(ann)
    await stored(api, ann)
    assert (await api.get(path_of(identity))).body["user_id"] == ann["user_id"], "as ever"
    await api.decided(bob)
    await stored(api, bob)
    for method, part, options in (
        ("GET", "", {}),
        ("GET", "/case", {}),
        ("PUT", "/claim", {}),
        ("DELETE", "/claim", {}),
        ("POST", "/verdicts", {"json": {"verdict": "approve"}}),
        ("DELETE", "/verdicts/1", {}),
    ):
        refused = await api.send(method, path_of(identity, part), **options)
        assert (refused.status, refused.body["code"]) == (409, "ambiguous_id"), (method, part)
        assert "user_id" in refused.body["detail"], "what to do"
        text = orjson.dumps(refused.body).decode()
        assert ann["user_id"] not in text
        assert bob["user_id"] not in text
    assert (await api.get(path_of(identity, user="somebody-else"))).status == 404
    assert (await api.get(path_of(identity, user="a\nb"))).status == 422
    assert (await api.get(f"{path_of(identity)}?user={ann['user_id']}")).status == 422


async def test_a_dead_letter_is_told_to_its_customer_only(api, send):
    ann, bob = two()
    await api.decided(ann)
    await api.decided(bob)
    await send(topics.RAW, {**bob, "amount": "35.00"}, bob["user_id"])
    address = path_of(bob["transaction_id"], user=bob["user_id"])
    told = await until(
        lambda: api.get(address),
        lambda answer: answer.status == 200 and answer.body.get("dead_letters"),
    )
    assert [letter["code"] for letter in told.body["dead_letters"]] == ["conflict"]
    [of_ann] = await stored(api, ann)
    assert not of_ann.body.get("dead_letters")
    assert bob["user_id"] not in orjson.dumps(of_ann.body).decode()


async def test_an_id_of_which_several_customers_have_dead_letters_only_is_ambiguous(api, send):
    wrong = two()
    for one in wrong:
        await send(topics.RAW, {**one, "amount": "-1"}, one["user_id"])
        address = path_of(one["transaction_id"], user=one["user_id"])
        told = await until(
            lambda address=address: api.get(address),
            lambda answer: answer.body.get("code") == "dead_lettered",
        )
        assert {letter["user_id"] for letter in told.body["dead_letters"]} == {one["user_id"]}
    refused = await api.get(path_of(wrong[0]["transaction_id"]))
    assert (refused.status, refused.body["code"]) == (409, "ambiguous_id")


async def test_a_verdict_on_one_leaves_the_other_in_the_queue(api):
    identity = new_id()
    ann = await flagged(api, transaction_id=identity)
    bob = await flagged(api, transaction_id=identity)
    assert (await take(api, identity, "eve", bob["user_id"])).status == 200
    given = await say(api, identity, "fraud", user=ann["user_id"])
    assert given.status == 201, "eve has the other one"
    undo = path_of(identity, f"/verdicts/{given.body['verdict_id']}", bob["user_id"])
    assert (await api.send("DELETE", undo, **as_analyst("ann"))).status == 409
    shown = (await case(api, identity, bob["user_id"])).body
    assert shown["verdicts"] == []
    assert (shown["queue"]["closed_at"], shown["queue"]["taken_by"]) == (None, "eve")
    await until(lambda: labels_of(api, ann), seconds=LABEL_S)
    assert await labels_of(api, bob) == []


async def test_a_label_is_of_its_customer_and_without_one_of_neither(api, send):
    ann, bob = two()
    for one in (ann, bob):
        await api.decided(one)
    await stored(api, ann, bob)
    identity = ann["transaction_id"]
    before = (await api.get("/api/operations")).body["unmatched_labels"]
    await send(topics.LABELS, chargeback(ann), identity)
    await until(
        lambda: api.get("/api/operations"),
        lambda answer: answer.body["unmatched_labels"] == before + 1,
    )
    await send(topics.LABELS, chargeback(ann, user_id=bob["user_id"]), identity)
    await until(lambda: labels_of(api, bob))
    assert await labels_of(api, bob) == [("chargeback", True)]
    assert await labels_of(api, ann) == []


async def test_a_label_without_its_customer_may_come_before_its_transaction(api, send):
    sent = fresh()
    await send(topics.LABELS, chargeback(sent), sent["transaction_id"])
    await api.decided(sent)
    await stored(api, sent)
    await until(lambda: labels_of(api, sent))
