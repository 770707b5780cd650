"""Card data that a shop or an analyst sends by mistake: masked, said, and the transaction decided;
what is named for card data is refused by HTTP. From section E of `cases.md`.
"""

import uuid

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from devtools.audit.audit import read_topic
from fraud_app import topics
from tests.support.api_client import until
from tests.support.builders import fresh
from tests.support.reviews import case, flagged, say

MASKED = [
    ({"metadata": {"note": "JCB 3530111333300000"}}, "/metadata/note", "JCB ************0000"),
    ({"metadata": {"note": "6759649826438453"}}, "/metadata/note", "************8453"),
    ({"metadata": {"note": "4111.1111.1111.1111"}}, "/metadata/note", "****.****.****.1111"),
    ({"metadata": {"note": "4111\t1111/1111  1111"}}, "/metadata/note", "****\t****/****  1111"),
    ({"metadata": {"note": 4111111111111111}}, "/metadata/note", "************1111"),
    ({"metadata": {"note": "CVV 737"}}, "/metadata/note", "CVV ***"),
    ({"device_id": "4111111111111111"}, "/device_id", "411111******1111"),
]
CARD_FIELDS = ["security_code", "csc", "card number", "cardNumber", "CVC2", "Kartennummer"]


def value_at(scored, pointer):
    for part in pointer[1:].split("/"):
        scored = scored[part]
    return scored


@pytest.mark.parametrize(("fields", "pointer", "masked"), MASKED)
async def test_by_http_it_is_masked_and_said_and_the_transaction_is_decided(
    api, running, fields, pointer, masked
):
    sent = fresh(**fields)
    scored = await api.decided(sent)
    assert value_at(scored, pointer) == masked
    assert [warning["field"] for warning in scored["input_warnings"]] == [pointer]
    written = [
        record.value
        for record in await read_topic(running.environment["FRAUD_KAFKA__BROKERS"], topics.RAW)
        if record.key == sent["user_id"].encode()
    ]
    assert [value_at(orjson.loads(value), pointer) for value in written] == [masked]


async def test_a_score_and_a_batch_say_it_too(api):
    fields, pointer, masked = MASKED[0]
    one = (await api.post("/score", fresh(**fields))).body
    many = await api.post("/score/batch", {"transactions": [fresh(**fields), fresh(cvv="737")]})
    decided, refused = many.body["results"]
    for scored in (one, decided["result"]):
        assert value_at(scored, pointer) == masked
        assert [warning["field"] for warning in scored["input_warnings"]] == [pointer]
    assert refused["error"]["errors"][0]["pointer"] == "/cvv"


@pytest.mark.parametrize("name", CARD_FIELDS)
@pytest.mark.parametrize("path", ["/api/transactions", "/score"])
async def test_a_field_for_card_data_is_refused_by_http_and_named(api, path, name):
    refused = await api.post(path, fresh(metadata={name: "737"}))
    assert (refused.status, refused.body["code"]) == (422, "validation_failed")
    assert refused.body["errors"][0]["pointer"] == f"/metadata/{name}"
    assert "737" not in str(refused.body["errors"])


async def test_by_kafka_everything_is_masked_and_said(api, running):
    producer = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()
    sent = [fresh(**fields) for fields, _, _ in MASKED]
    sent += [fresh(metadata={name: "737"}) for name in CARD_FIELDS]
    pointers = [pointer for _, pointer, _ in MASKED]
    pointers += [f"/metadata/{name}" for name in CARD_FIELDS]
    try:
        for transaction in sent:  # without a key: most are sent on to another partition
            await producer.send_and_wait(topics.RAW, orjson.dumps(transaction))
    finally:
        await producer.stop()
    for transaction, pointer in zip(sent, pointers, strict=True):
        stored = await until(
            lambda identity=transaction["transaction_id"]: api.get(f"/api/transactions/{identity}"),
            lambda answer: answer.status == 200,
        )
        assert [warning["field"] for warning in stored.body["input_warnings"]] == [pointer]
        assert "*" in str(value_at(stored.body, pointer))
    assert 'fraud_card_data_total{kind="field"}' in (await api.get("/metrics")).body


async def test_product_codes_and_ids_are_accepted_as_they_are(api):
    metadata = {
        "product_code": "4006381333931",
        "ean": "4000000000002",
        "order_id": "20261124-000017",
        "phone": "4915123456789",
        "trace_id": uuid.uuid4().hex,
        "created_at": 1764000000000,
    }
    scored = await api.decided(fresh(metadata=metadata))
    assert scored["metadata"] == metadata
    assert scored["input_warnings"] == []


async def test_a_note_to_a_verdict_is_kept_without_card_data(api, running):
    identity = (await flagged(api))["transaction_id"]
    note = "he read out 4111 1111 1111 1111, cvv 737"
    given = await say(api, identity, "fraud", reason="stolen_card", note=note)
    assert given.status == 201
    [verdict] = (await case(api, identity)).body["verdicts"]
    assert verdict["note"] == "he read out **** **** **** 1111, cvv ***"
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        notes = await connection.fetch(
            "SELECT note FROM verdicts WHERE transaction_id = $1", identity
        )
    finally:
        await connection.close()
    assert [row["note"] for row in notes] == [verdict["note"]]
