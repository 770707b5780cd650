"""Inputs that once stopped a partition, the sinks or the history for good. Each stands for a kind.

From `cases.md`: public bug reports and data of people who run such systems.
"""

import asyncio
import json
import uuid
from urllib.parse import quote

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from fraud_app.kafka.partitioner import partition_of
from tests.support.api_client import until
from tests.support.builders import FOREIGN_KEY

PARTITIONS = 4
GROWS = 123456789
"""Stands for 1e15, which is four times as long when it is written anew."""


def base(**fields):
    mark = uuid.uuid4().hex
    return {
        "transaction_id": f"t-{mark}",
        "user_id": f"u-{mark}",
        "amount": "12.90",
        "currency": "EUR",
        "merchant_id": "m_1",
        **fields,
    }


async def still_decides(api, user):
    """The partition of this user goes on."""
    await api.decided(base(user_id=user))


async def stored(running, transaction_id):
    """The stored message of a transaction, once it is there."""
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        return await until(
            lambda: connection.fetchval(
                "SELECT scored FROM transactions WHERE transaction_id = $1", transaction_id
            )
        )
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "occurred_at",
    ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "1969-12-31T00:00:00Z", "2026-13-01"],
)
async def test_an_impossible_client_time_is_missing_and_the_transaction_is_decided(
    api, running, occurred_at
):
    sent = base(occurred_at=occurred_at)
    scored = await api.decided(sent)
    assert scored["occurred_at"] is None
    assert [warning["field"] for warning in scored["input_warnings"]] == ["/occurred_at"]
    tried = await api.post("/score", sent)
    assert (tried.status, tried.body["input_warnings"]) == (200, scored["input_warnings"])
    assert await stored(running, sent["transaction_id"])
    await still_decides(api, sent["user_id"])


async def test_a_nul_in_the_metadata_stops_neither_storage_nor_queries(api, running):
    sent = base(metadata={"note": "a\u0000b", "path": "C:\\u0000"})
    assert (await api.decided(sent))["metadata"] == sent["metadata"]
    kept = orjson.loads(await stored(running, sent["transaction_id"]))
    assert kept["metadata"] == {"note": "a\ufffdb", "path": "C:\\u0000"}
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        await connection.fetch("SELECT scored ->> 'features' FROM transactions")
    finally:
        await connection.close()
    listed = await api.get(f"/api/transactions?q={sent['transaction_id']}")
    assert [one["transaction_id"] for one in listed.body["items"]] == [sent["transaction_id"]]


@pytest.mark.parametrize("amount", ["1e-1000100", "-1", "NaN", "1e400", None, [], "0x10"])
async def test_an_amount_that_is_none_is_refused_before_the_202(api, amount):
    refused = await api.post("/api/transactions", base(amount=amount))
    assert refused.status == 422
    assert "amount" in refused.body["detail"] or "/amount" in str(refused.body["errors"])


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"amount": 1e-7}, 422, "/amount"),
        ({"amount": "1.005"}, 422, "/amount"),
        ({"currency": "EURO"}, 422, "/currency"),
        ({"user_id": "a\u200bb"}, 422, "/user_id"),
        ({"metadata": {"numbers": [GROWS] * 5000}}, 413, "/metadata"),
        ({"transaction_id": None, "note": "x" * 65_350}, 413, "/note"),
    ],
    ids=["float", "precision", "currency", "invisible", "numbers that grow", "filled in"],
)
@pytest.mark.parametrize("path", ["/api/transactions", "/score"])
async def test_what_the_stream_would_refuse_is_refused_by_http_with_the_name_of_the_field(
    api, path, fields, status, pointer
):
    body = orjson.dumps(base(**fields)).replace(b"%d" % GROWS, b"1e15")
    headers = {"Content-Type": "application/json"}
    refused = await api.send("POST", path, data=body, headers=headers)
    assert refused.status == status
    assert [error["pointer"] for error in refused.body["errors"]] == [pointer]


async def send(running, user, value, **options):
    """Put a record into the user's own partition of `transactions.raw`."""
    producer = AIOKafkaProducer(
        bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"],
        max_request_size=2_000_000,
        **options,
    )
    await producer.start()
    try:
        partition = partition_of(user, PARTITIONS)
        return await producer.send_and_wait(
            "transactions.raw", value, key=user.encode(), partition=partition
        )
    finally:
        await producer.stop()


async def dead_letter(running, sent):
    """The headers of the dead letter of a record, once it is there."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"], auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition("transactions.dlq", 0)])
        async with asyncio.timeout(20):
            async for letter in consumer:
                headers = dict(letter.headers)
                origin = (
                    headers.get("dlq_original_partition"),
                    headers.get("dlq_original_offset"),
                )
                if origin == (b"%d" % sent.partition, b"%d" % sent.offset):
                    return headers, letter.value
    finally:
        await consumer.stop()


async def test_an_integer_of_more_than_64_bits_stays_exact_by_both_ways(api, running):
    metadata = {"n": 2**64, "m": -(2**70)}
    by_http = base(metadata=metadata)
    assert (await api.decided(by_http))["metadata"] == metadata
    by_kafka = base(metadata=metadata)
    await send(running, by_kafka["user_id"], orjson_free(by_kafka))
    assert b"18446744073709551616" in (await stored(running, by_kafka["transaction_id"])).encode()


def orjson_free(fields):
    """JSON of integers that orjson cannot write."""
    return json.dumps(fields).encode()


async def test_a_value_larger_than_a_dead_letter_may_be_is_cut_and_stops_nothing(api, running):
    user = base()["user_id"]
    sent = await send(running, user, b"x" * 1_000_001)
    headers, kept = await dead_letter(running, sent)
    assert headers["dlq_error_code"] == b"too_large"
    assert headers["dlq_original_length"] == b"%d" % (1_000_001 + len(user))
    assert len(kept) < 300_000
    await still_decides(api, user)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_of_every_codec_are_decided(running, codec):
    sent = base()
    await send(running, sent["user_id"], orjson.dumps(sent), compression_type=codec)
    assert await stored(running, sent["transaction_id"])


async def test_deep_nesting_with_a_security_code_is_masked_and_stops_nothing(api, running):
    user = base()["user_id"]
    value = b'{"cvv": "737", "a": ' + b"[" * 300 + b"]" * 300 + b"}"
    headers, kept = await dead_letter(running, await send(running, user, value))
    assert headers["dlq_error_code"] in (b"malformed", b"invalid")
    assert b"737" not in kept
    await still_decides(api, user)


@pytest.mark.parametrize(
    "path",
    [
        "/api/transactions/%00",
        "/api/transactions/%00/case",
        "/api/users/%00",
        "/api/transactions?q=%00",
        "/api/transactions?to=9999-12-31T23:59:59-12:00",
        "/api/transactions?from=0001-01-01T00:00:00%2B12:00",
    ],
)
async def test_what_no_column_can_hold_is_the_clients_error(api, path):
    assert 400 <= (await api.get(path)).status < 500


async def test_a_body_that_is_not_encoded_as_it_says_is_the_clients_error(api):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await api.send("POST", "/score", data=b"{}", headers=headers)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_verdict_id_beyond_bigint_is_the_clients_error(api):
    answer = await api.send("DELETE", f"/api/transactions/t/verdicts/{2**70}")
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"ip": "::ffff:203.0.113.9"}, {"ip": "203.0.113.9"}),
        ({"ip": "203.0.113.9:443"}, {"ip": "203.0.113.9"}),
        ({"ip": "unknown"}, {"ip": None}),
        ({"country": "UK"}, {"country": "GB"}),
        ({"category": None, "payment_method": None, "metadata": None}, {"category": "other"}),
        ({"currency": "eur"}, {"currency": "EUR"}),
        ({"amount": "0"}, {"amount": "0"}),
        ({"amount": 0.1 + 0.2}, {"amount": "0.30"}),
        ({f"field_{number}": number for number in range(33)}, {}),
        ({"latitude": 0, "longitude": 0}, {"missing_place": True}),
        ({"latitude": float("nan"), "longitude": 13.4}, {"missing_place": True}),
        ({"currency": "bhd", "amount": "1.234"}, {"currency": "BHD", "amount": "1.234"}),
        ({"currency": "VND", "amount": 250_000}, {"amount": "250000"}),
        ({"amount": -0.0}, {"amount": "0.00"}),
        ({"country": "QQ"}, {"country": None}),
        (
            {"metadata": {"n": float("inf"), "m": 10**400}},
            {"metadata": {"n": "Infinity", "m": 10**400}},
        ),
        ({"metadata": {"deep": [[[[[[[[1]]]]]]]], "a": 1}}, {"metadata": {"a": 1}}),
        ({"payment_method": {"type": "klarna", "brand": "x"}}, {"payment_type": "klarna"}),
        ({"user_id": f"auth0|{uuid.uuid4().hex}"}, {}),
        ({"user_id": f"a+{uuid.uuid4().hex}@example.org"}, {}),
        ({"user_id": f"q/Z={uuid.uuid4().hex}=="}, {}),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, dict) else None,
)
async def test_optional_data_and_other_spellings_never_cost_the_decision(
    api, running, fields, read
):
    sent = base(**fields)
    scored = await api.decided(sent)
    for name, value in read.items():
        if name == "missing_place":
            assert "km_from_last" in scored["missing"]
        elif name == "payment_type":
            assert scored["payment_method"]["type"] == value
            assert scored["payment_method"]["brand"] == sent["payment_method"]["brand"]
        else:
            assert scored[name] == value
    assert await stored(running, sent["transaction_id"])
    tried = await api.post("/score", {**sent, "transaction_id": f"{sent['transaction_id']}-2"})
    assert tried.status == 200
    found = await api.get(f"/api/users/{quote(sent['user_id'], safe='')}")
    assert (found.status, found.body["user_id"]) == (200, sent["user_id"])


@pytest.mark.parametrize("topic", ["transactions.scored", "transactions.labels"])
async def test_foreign_messages_on_our_own_topics_stop_neither_storage_nor_feed(
    api, running, topic
):
    producer = AIOKafkaProducer(bootstrap_servers=running.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()
    try:
        for value in (b"", b"{", b"[]", b'{"decision": 7}', b"\xff\xfe", b'"text"', None):
            for partition in range(PARTITIONS):
                headers = [("h\u00e9", b"\xff\x00"), ("", b"")]
                await producer.send_and_wait(
                    topic, value, key=FOREIGN_KEY, partition=partition, headers=headers
                )
    finally:
        await producer.stop()
    restarts = running.sinks.restarts
    sent = base()
    async with api.session.ws_connect("/ws") as socket:
        await api.decided(sent)
        async with asyncio.timeout(20):
            while True:
                frame = await socket.receive_json()
                if sent["transaction_id"] in str(frame.get("items")):
                    break
    await stored(running, sent["transaction_id"])
    assert running.sinks.restarts == restarts
