"""Transactions through Kafka itself: from any producer, with any partitioner, valid or not."""

import os
import uuid
from contextlib import suppress
from pathlib import Path

import asyncpg
import orjson
import pytest
import pytest_asyncio
import redis.asyncio as redis
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from pydantic_core import from_json

from devtools.audit.audit import CHANGELOG, read_topic
from fraud_app import topics
from fraud_app.contracts.card_numbers import is_card_number
from fraud_app.kafka.partitioner import partition_of
from ml.features import NAMES
from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import FOREIGN_KEY, fresh, payload
from tests.support.history import everything_stored


@pytest.fixture
def brokers(running):
    return running.environment["FRAUD_KAFKA__BROKERS"]


@pytest_asyncio.fixture
async def producer(brokers):
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    yield producer
    await producer.stop()


async def scored(brokers):
    """Scored messages by transaction id, each with its partition and headers."""
    messages = {}
    for record in await read_topic(brokers, topics.SCORED):
        if record.key == FOREIGN_KEY:
            continue
        message = from_json(record.value)
        messages.setdefault(message["transaction_id"], []).append(
            (record.partition, message, dict(record.headers))
        )
    return messages


async def dead_letters(brokers):
    """Value, headers and key of each dead letter."""
    return [
        (record.value, dict(record.headers), record.key)
        for record in await read_topic(brokers, topics.DEAD_LETTERS)
    ]


def librdkafka(brokers, partitioner):
    return Producer({"bootstrap.servers": brokers, "partitioner": partitioner, "acks": "all"})


@pytest.mark.parametrize("partitioner", ["consistent_random", "murmur2_random", "random"])
async def test_a_user_is_counted_completely_whichever_partitioner_was_used(brokers, partitioner):
    """librdkafka's default is CRC32, Kafka's own is murmur2: they put one key into different
    partitions.
    """
    users = [f"{partitioner}-{uuid.uuid4().hex}" for _ in range(8)]
    sent = [fresh(user_id=user) for _ in range(3) for user in users]
    producer = librdkafka(brokers, partitioner)
    for transaction in sent:
        producer.produce(topics.RAW, orjson.dumps(transaction), key=transaction["user_id"])
    assert producer.flush(TIMEOUT_S) == 0
    wanted = {transaction["transaction_id"] for transaction in sent}
    messages = await until(lambda: scored(brokers), lambda messages: wanted <= messages.keys())
    for identity in wanted:
        [(partition, message, _)] = messages[identity]
        assert partition == partition_of(message["user_id"], 4)
    for user in users:
        earlier = sorted(
            messages[transaction["transaction_id"]][0][1]["features"][4]
            for transaction in sent
            if transaction["user_id"] == user
        )
        assert earlier == [0, 1, 2], "each transaction is scored with those before it"


async def test_two_producers_with_different_partitioners_share_one_user(brokers, producer):
    user = f"both-{uuid.uuid4().hex}"
    sent = [fresh(user_id=user) for _ in range(6)]
    other = librdkafka(brokers, "consistent_random")
    for index, transaction in enumerate(sent):
        value = orjson.dumps(transaction)
        if index % 2:
            other.produce(topics.RAW, value, key=user)
            assert other.flush(TIMEOUT_S) == 0
        else:
            await producer.send_and_wait(topics.RAW, value, key=user.encode())
    wanted = {transaction["transaction_id"] for transaction in sent}
    messages = await until(lambda: scored(brokers), lambda messages: wanted <= messages.keys())
    earlier = sorted(messages[identity][0][1]["features"][4] for identity in wanted)
    assert earlier == [0, 1, 2, 3, 4, 5]


async def test_a_record_that_is_sent_home_again_after_a_crash_is_counted_once(brokers, producer):
    """A worker that ends between sending a record home and its commit sends it home again, behind
    whatever came meanwhile. The second copy is made here; the row no longer knows the id by then.
    """
    first, others = fresh(), []
    user = first["user_id"]
    home = partition_of(user, 4)
    sent = await producer.send_and_wait(
        topics.RAW, orjson.dumps(first), key=user.encode(), partition=(home + 1) % 4
    )
    await until(lambda: scored(brokers), lambda messages: first["transaction_id"] in messages)
    for _ in range(40):
        others.append(fresh(user_id=user))
        await producer.send_and_wait(topics.RAW, orjson.dumps(others[-1]), key=user.encode())
    origin = f"{sent.partition}:{sent.offset}".encode()
    await producer.send_and_wait(
        topics.RAW,
        orjson.dumps(first),
        key=user.encode(),
        partition=home,
        headers=[("fraud_rerouted", origin)],
    )
    last = fresh(user_id=user)
    await producer.send_and_wait(topics.RAW, orjson.dumps(last), key=user.encode())
    messages = await until(
        lambda: scored(brokers), lambda messages: last["transaction_id"] in messages
    )
    [(_, counted, _)] = messages[last["transaction_id"]]
    assert counted["features"][4] == 41, "the transactions before it, each once"
    probabilities = {message["probability"] for _, message, _ in messages[first["transaction_id"]]}
    assert len(probabilities) == 1


async def test_an_issuers_answer_that_comes_later_counts_and_the_decision_stands(api):
    first = fresh()
    decided = await api.decided(first)
    update = await api.decided({**first, "issuer_response": "declined"})
    assert (update["decision"], update["probability"]) == (
        decided["decision"],
        decided["probability"],
    )
    later = await api.decided(fresh(user_id=first["user_id"]))
    features = later["features"]
    assert features[NAMES.index("declines_1h")] == 1
    assert features[NAMES.index("tx_count_1h")] == 1, "an update is no transaction"
    stored = await until(
        lambda: api.get(f"/api/transactions/{first['transaction_id']}"),
        lambda answer: answer.body["issuer_response"] == "declined",
    )
    assert (stored.body["decision"], stored.body["scored_at"]) == (
        decided["decision"],
        decided["scored_at"],
    )


POISON = {
    "malformed": b"{not json",
    "invalid": orjson.dumps(payload(amount="-1")),
    "too_large": b'{"x":"' + b"y" * 100_000 + b'"}',
    "empty": None,
}


@pytest.mark.parametrize("code", POISON)
async def test_invalid_records_become_dead_letters_and_their_neighbours_are_scored(
    brokers, producer, code
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
        lambda: dead_letters(brokers),
        lambda letters: any(letter[2] == key for letter in letters),
    )
    value, headers, _ = next(letter for letter in letters if letter[2] == key)
    assert value == POISON[code], "the original bytes"
    assert headers["dlq_error_code"] == code.encode()
    assert headers["dlq_original_topic"] == topics.RAW.encode()
    assert headers["dlq_original_partition"] == str(home).encode()
    assert headers["dlq_error_message"]


async def test_a_card_number_from_any_producer_stays_in_the_topic_of_its_producer(
    api, running, brokers, producer
):
    """PCI DSS 4.0.1, 3.3.1: whatever a shop sends by mistake is neither passed on nor kept, stored,
    cached or logged.
    """
    card, mark = card_number(), uuid.uuid4().hex
    decided = [
        fresh(metadata={"note": f"paid with {card}"}),
        fresh(user_id=card),
        {**fresh(), mark: int(card)},
        {**fresh(), card: True},
        fresh(metadata={"card": {"number": card, "cvc": "737"}}),
    ]
    wrong = [
        orjson.dumps(fresh(amount="-1", metadata={"note": card, "mark": mark})),
        f'{{"{mark}": "{card}", broken'.encode(),
        b'{"x":"' + b"y" * 70_000 + mark.encode() + b" " + card.encode() + b'"}',
    ]
    for value in (*map(orjson.dumps, decided), *wrong):
        await producer.send_and_wait(topics.RAW, value, key=card.encode())
    refused = await api.post("/api/transactions", fresh(metadata={"card_number": card}))
    assert refused.status == 422
    identities = {sent["transaction_id"] for sent in decided}
    messages = await until(lambda: scored(brokers), lambda found: identities <= found.keys())
    for identity in identities:
        [(_, message, _)] = messages[identity]
        assert message["input_warnings"]
    letters = await until(
        lambda: with_mark(brokers, mark), lambda letters: len(letters) == len(wrong)
    )
    assert {headers["dlq_masked"] for _, headers, _ in letters} == {b"1"}
    assert {key for _, _, key in letters} == {b"*" * 12 + card[-4:].encode()}
    # Whatever could have passed them on has done so.
    await everything_stored(api)

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
            f'SELECT count(*) FROM "{name}" AS line WHERE line::text LIKE $1', f"%{card}%"
        ), name
    await connection.close()
    assert card not in (await api.get("/metrics")).body
    written = {
        path: needle in content
        for part in ("logs", "worker-1", "worker-2", "sinks-1")
        for path, content in files_below(running.stack.directory / part)
    }
    assert {path.parent.name for path in written} >= {"logs"}
    assert [path for path, has_card in written.items() if has_card] == []


def files_below(directory):
    """Each file and its content. RocksDB deletes files while this runs: those hold nothing."""
    for parent, _, names in os.walk(directory):
        for name in names:
            path = Path(parent) / name
            with suppress(FileNotFoundError):
                yield path, path.read_bytes()


def card_number():
    """A number of its own that passes for a card."""
    digits = f"4{uuid.uuid4().int % 10**14:014d}"
    return next(digits + check for check in "0123456789" if is_card_number(digits + check))


async def with_mark(brokers, mark):
    return [
        letter for letter in await dead_letters(brokers) if letter[0] and mark.encode() in letter[0]
    ]


async def test_headers_of_a_record_cannot_steer_where_answers_go(brokers, producer):
    sent = fresh()
    identity = sent["transaction_id"]
    headers = [("Faust-Ag-ReplyTo", b"attacker-topic"), ("Faust-Ag-CorrelationId", b"1")]
    await producer.send_and_wait(
        topics.RAW, orjson.dumps(sent), key=sent["user_id"].encode(), headers=headers
    )
    messages = await until(lambda: scored(brokers), lambda messages: identity in messages)
    assert len(messages[identity]) == 1


async def test_a_scored_message_is_a_cloud_event(api, brokers):
    identity = (await api.decided(fresh()))["transaction_id"]
    messages = await until(lambda: scored(brokers), lambda messages: identity in messages)
    headers = messages[identity][0][2]
    assert headers["ce_type"] == b"fraud.transaction.scored.v1"
    assert headers["ce_id"] == identity.encode()


async def test_a_conflicting_id_keeps_the_first_decision(api, brokers, producer):
    first = fresh()
    identity = first["transaction_id"]
    await api.decided(first)
    await producer.send_and_wait(
        topics.RAW, orjson.dumps({**first, "amount": "999.00"}), key=first["user_id"].encode()
    )
    letters = await until(lambda: with_mark(brokers, identity))
    assert {headers["dlq_error_code"] for _, headers, _ in letters} == {b"conflict"}
    amounts = [message["amount"] for _, message, _ in (await scored(brokers))[identity]]
    assert amounts == ["20.00"]


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
