"""Through Kafka itself: any producer, any partitioner, any rubbish."""

import uuid

import asyncpg
import orjson
import pytest
import pytest_asyncio
import redis.asyncio as redis
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from devtools.audit.audit import CHANGELOG, read_topic
from fraud_app import topics
from fraud_app.contracts import card_data
from fraud_app.kafka.partitioner import partition_of
from tests.support.api_client import until
from tests.support.builders import payload


def fresh(**fields):
    mark = uuid.uuid4().hex
    return payload(**{"transaction_id": f"t-{mark}", "user_id": f"u-{mark}", **fields})


@pytest.fixture
def brokers(running):
    return running.environment["FRAUD_KAFKA__BROKERS"]


@pytest_asyncio.fixture
async def producer(brokers):
    made = AIOKafkaProducer(bootstrap_servers=brokers)
    await made.start()
    yield made
    await made.stop()


async def scored(brokers):
    """Scored messages by id, with the partition they are in."""
    found = {}
    for record in await read_topic(brokers, topics.SCORED):
        message = orjson.loads(record.value)
        found.setdefault(message["transaction_id"], []).append(
            (record.partition, message, dict(record.headers))
        )
    return found


async def dead_letters(brokers):
    return [
        (record.value, dict(record.headers), record.key)
        for record in await read_topic(brokers, topics.DEAD_LETTERS)
    ]


def librdkafka(brokers, partitioner):
    return Producer({"bootstrap.servers": brokers, "partitioner": partitioner, "acks": "all"})


@pytest.mark.parametrize("partitioner", ["consistent_random", "murmur2_random", "random"])
async def test_a_user_is_counted_whole_whichever_partitioner_was_used(api, brokers, partitioner):
    """librdkafka's default is CRC32, Kafka's own is murmur2: they put one key into different
    partitions.
    """
    users = [f"{partitioner}-{uuid.uuid4().hex}" for _ in range(8)]
    sent = [fresh(user_id=user) for _ in range(3) for user in users]
    made = librdkafka(brokers, partitioner)
    for one in sent:
        made.produce(topics.RAW, orjson.dumps(one), key=one["user_id"])
    assert made.flush(10) == 0
    wanted = {one["transaction_id"] for one in sent}
    found = await until(lambda: scored(brokers), lambda messages: wanted <= messages.keys())
    for identity in wanted:
        [(partition, message, _)] = found[identity]
        assert partition == partition_of(message["user_id"], 4)
    for user in users:
        seen = sorted(
            found[one["transaction_id"]][0][1]["features"][4]
            for one in sent
            if one["user_id"] == user
        )
        assert seen == [0, 1, 2], "each payment saw those before it"


async def test_two_producers_with_different_partitioners_share_one_user(api, brokers, producer):
    user = f"both-{uuid.uuid4().hex}"
    sent = [fresh(user_id=user) for _ in range(6)]
    other = librdkafka(brokers, "consistent_random")
    for place, one in enumerate(sent):
        if place % 2:
            other.produce(topics.RAW, orjson.dumps(one), key=user)
            assert other.flush(10) == 0
        else:
            await producer.send_and_wait(topics.RAW, orjson.dumps(one), key=user.encode())
    wanted = {one["transaction_id"] for one in sent}
    found = await until(lambda: scored(brokers), lambda messages: wanted <= messages.keys())
    assert sorted(found[identity][0][1]["features"][4] for identity in wanted) == [0, 1, 2, 3, 4, 5]


POISON = {
    "malformed": b"{not json",
    "invalid": orjson.dumps(payload(amount="-1")),
    "too_large": b'{"x":"' + b"y" * 100_000 + b'"}',
    "empty": None,
}


@pytest.mark.parametrize("code", POISON)
async def test_rubbish_goes_to_the_dead_letters_and_its_neighbours_are_scored(
    api, brokers, producer, code
):
    neighbour = fresh()
    key = uuid.uuid4().hex.encode()
    home = partition_of(neighbour["user_id"], 4)
    await producer.send_and_wait(topics.RAW, POISON[code], key=key, partition=home)
    await producer.send_and_wait(
        topics.RAW, orjson.dumps(neighbour), key=neighbour["user_id"].encode()
    )
    await until(lambda: scored(brokers), lambda messages: neighbour["transaction_id"] in messages)
    letters = await until(
        lambda: dead_letters(brokers), lambda found: any(one[2] == key for one in found)
    )
    value, headers, _ = next(one for one in letters if one[2] == key)
    assert value == POISON[code], "the original bytes"
    assert headers["dlq_error_code"] == code.encode()
    assert headers["dlq_original_topic"] == topics.RAW.encode()
    assert headers["dlq_original_partition"] == str(home).encode()
    assert headers["dlq_error_message"]


async def test_a_card_number_from_any_producer_stays_in_the_topic_it_came_by(
    api, running, brokers, producer
):
    """PCI DSS 4.0.1, 3.3.1: whatever a shop sends by mistake is neither passed on nor kept, stored,
    cached or logged.
    """
    card, mark = card_number(), uuid.uuid4().hex
    wrong = [
        orjson.dumps(fresh(metadata={"note": f"paid with {card}", "mark": mark})),
        orjson.dumps(fresh(user_id=card, metadata={mark: 1})),
        orjson.dumps({**fresh(), mark: int(card)}),
        f'{{"{mark}": "{card}", broken'.encode(),
        b'{"x":"' + b"y" * 70_000 + mark.encode() + b" " + card.encode() + b'"}',
    ]
    for value in wrong:
        await producer.send_and_wait(topics.RAW, value, key=card.encode())
    refused = await api.post("/api/transactions", fresh(metadata={"note": card}))
    assert refused.status == 422
    kept = await until(lambda: of_mark(brokers, mark), lambda letters: len(letters) == len(wrong))
    assert {headers["dlq_masked"] for _, headers, _ in kept} == {b"1"}
    assert {key for _, _, key in kept} == {b"*" * 12 + card[-4:].encode()}

    needle = card.encode()
    assert needle not in orjson.dumps(refused.body)
    for topic in (topics.SCORED, topics.DEAD_LETTERS, topics.LABELS, CHANGELOG):
        for record in await read_topic(brokers, topic):
            assert needle not in b"".join(
                (record.key or b"", record.value or b"", *(value for _, value in record.headers))
            )
    client = redis.from_url(running.environment["FRAUD_REDIS__URL"])
    await client.config_set("rdbcompression", "no")
    async for key in client.scan_iter(count=1000):
        assert needle not in key + (await client.dump(key) or b"")
    await client.aclose()
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    for table in await connection.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    ):
        name = table["table_name"]
        assert not await connection.fetchval(
            f'SELECT count(*) FROM "{name}" AS one WHERE one::text LIKE $1', f"%{card}%"
        ), name
    await connection.close()
    assert card not in (await api.get("/metrics")).body
    directory = running.stack.directory
    written = [
        path
        for part in ("logs", "worker-1", "worker-2", "sinks-1")
        for path in (directory / part).rglob("*")
        if path.is_file()
    ]
    assert {path.parent.name for path in written} >= {"logs"}
    assert [path for path in written if needle in path.read_bytes()] == []


def card_number():
    """A number of its own that passes for a card."""
    digits = f"4{uuid.uuid4().int % 10**14:014d}"
    return next(
        digits + check for check in "0123456789" if card_data.is_card_number(digits + check)
    )


async def of_mark(brokers, mark):
    return [
        letter for letter in await dead_letters(brokers) if letter[0] and mark.encode() in letter[0]
    ]


async def test_headers_of_a_record_cannot_steer_where_answers_go(api, brokers, producer):
    one = fresh()
    headers = [("Faust-Ag-ReplyTo", b"attacker-topic"), ("Faust-Ag-CorrelationId", b"1")]
    await producer.send_and_wait(
        topics.RAW, orjson.dumps(one), key=one["user_id"].encode(), headers=headers
    )
    found = await until(lambda: scored(brokers), lambda messages: one["transaction_id"] in messages)
    assert len(found[one["transaction_id"]]) == 1


async def test_a_scored_message_is_a_cloud_event(api, brokers):
    told = await api.decided(fresh())
    found = await until(
        lambda: scored(brokers), lambda messages: told["transaction_id"] in messages
    )
    headers = found[told["transaction_id"]][0][2]
    assert headers["ce_type"] == b"fraud.transaction.scored.v1"
    assert headers["ce_id"] == told["transaction_id"].encode()


async def test_a_conflicting_id_keeps_the_first_decision(api, brokers, producer):
    first = fresh()
    await api.decided(first)
    await producer.send_and_wait(
        topics.RAW, orjson.dumps({**first, "amount": "999.00"}), key=first["user_id"].encode()
    )
    letters = await until(
        lambda: dead_letters(brokers),
        lambda found: any(
            headers["dlq_error_code"] == b"conflict" and first["transaction_id"].encode() in value
            for value, headers, _ in found
            if value
        ),
    )
    assert letters
    assert [
        message["amount"] for _, message, _ in (await scored(brokers))[first["transaction_id"]]
    ] == ["20.00"]


async def test_labels_are_stored_and_the_latest_of_a_source_stands(running, producer):
    identity = f"t-{uuid.uuid4().hex}"
    connection = await asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])
    try:
        for is_fraud, at in (
            (True, "2026-11-24T10:00:00Z"),
            (False, "2026-11-24T12:00:00Z"),
            (True, "2026-11-24T11:00:00Z"),
        ):
            label = {
                "transaction_id": identity,
                "is_fraud": is_fraud,
                "source": "analyst",
                "labelled_at": at,
            }
            await producer.send_and_wait(topics.LABELS, orjson.dumps(label), key=identity.encode())
        await producer.send_and_wait(
            topics.LABELS, orjson.dumps({**label, "source": "chargeback"}), key=identity.encode()
        )

        async def stored():
            return dict(
                await connection.fetch(
                    "SELECT source, is_fraud FROM labels WHERE transaction_id = $1", identity
                )
            )

        assert await until(stored, lambda labels: len(labels) == 2) == {
            "analyst": False,
            "chargeback": True,
        }
    finally:
        await connection.close()
