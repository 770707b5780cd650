"""A batch of messages that is sent to Kafka together, with a producer of the test."""

import asyncio
import uuid
from collections import Counter

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.producer.message_accumulator import MessageAccumulator

from devtools.audit.audit import read_topic
from fraud_app.kafka.partitioner import partition_of
from fraud_app.kafka.producer import ProduceBatch
from fraud_app.topics import DEAD_LETTERS, TOPICS
from tests.support.api_client import TIMEOUT_S

CHANGELOG = "fraud-scoring-user_rows-changelog"


class App:
    """The part of a Faust app that `ProduceBatch` uses."""

    def __init__(self, producer):
        self.producer = self
        self._producer = producer

    def _ensure_producer(self):
        return self._producer


@pytest.fixture
def brokers(running):
    return running.environment["FRAUD_KAFKA__BROKERS"]


@pytest.fixture
async def app(brokers):
    producer = AIOKafkaProducer(bootstrap_servers=brokers, max_batch_size=2000)
    await producer.start()
    yield App(producer)
    await producer.stop()


@pytest.fixture
async def topic(brokers):
    name, admin = f"test.sending.{uuid.uuid4().hex}", AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 4, 1)])
    yield name
    await admin.delete_topics([name])
    await admin.close()


async def test_messages_arrive_in_order_and_the_last_offsets_are_returned(brokers, app, topic):
    produce = ProduceBatch(app)
    for start in range(0, 300, 100):  # more than a producer batch holds
        for partition in (0, 1):
            numbers = range(start + partition, start + 100, 2)
            await produce.add(
                topic, partition, [(b"k", b"%d" % number, [("h", b"1")]) for number in numbers]
            )
    assert await produce.acknowledged() == {(topic, 0): 149, (topic, 1): 149}
    records = await read_topic(brokers, topic)
    for partition in (0, 1):
        values = [int(record.value) for record in records if record.partition == partition]
        assert values == list(range(partition, 300, 2))
    assert {header for record in records for header in record.headers} == {("h", b"1")}


async def test_an_empty_batch_is_acknowledged_at_once(app):
    assert await asyncio.wait_for(ProduceBatch(app).acknowledged(), TIMEOUT_S) == {}


async def test_a_single_message_goes_where_every_kafka_client_sends_its_key(brokers, app, topic):
    users = [f"u{number}" for number in range(40)]
    produce = ProduceBatch(app)
    for user in users:
        await produce.add_one(topic, user.encode(), None, [("h", b"2")])
    offsets = await produce.acknowledged()
    records = await read_topic(brokers, topic)
    partitions = {user: partition_of(user, 4) for user in users}
    assert {record.key.decode(): record.partition for record in records} == partitions
    counts = Counter(partitions.values())
    assert offsets == {(topic, partition): count - 1 for partition, count in counts.items()}


async def test_a_dead_letter_of_any_content_is_sent(brokers, app):
    mark = uuid.uuid4().hex.encode()
    contents = [(None, None), (None, b""), (b"", None), (b"k", b"\x00" * 300_000)]
    produce = ProduceBatch(app)
    await produce.add_dead_letters([(*content, [("mark", mark)]) for content in contents])
    [(place, _)] = (await produce.acknowledged()).items()
    assert place == (DEAD_LETTERS, 0)
    records = await read_topic(brokers, DEAD_LETTERS)
    kept = [record for record in records if ("mark", mark) in record.headers]
    assert [(record.key, record.value) for record in kept] == contents


async def test_no_dead_letters_send_nothing(app):
    produce = ProduceBatch(app)
    await produce.add_dead_letters([])
    assert await asyncio.wait_for(produce.acknowledged(), TIMEOUT_S) == {}


class Unsent:
    """A producer whose batches are acknowledged when the test says so."""

    def __init__(self):
        self.client = self
        self._message_accumulator = MessageAccumulator(None, 400, 0, 30)

    async def _wait_on_metadata(self, topic):
        pass

    @property
    def batches(self):
        return [
            batch for batches in self._message_accumulator._batches.values() for batch in batches
        ]


async def test_all_is_acknowledged_when_the_last_batch_is_in_any_order():
    producer = Unsent()
    produce = ProduceBatch(App(producer))
    await produce.add("t", 0, [(b"k", b"v" * 60, [])] * 10)
    acknowledged = produce.acknowledged()
    batches = producer.batches
    assert len(batches) > 1, "nothing is left behind when a batch is full"
    offsets = [100]
    for batch in batches:
        offsets.append(offsets[-1] + batch.record_count)
    for batch, offset in reversed(list(zip(batches, offsets, strict=False))):
        assert not acknowledged.done()
        batch.done(offset)
        await asyncio.sleep(0)
    assert await acknowledged == {("t", 0): 109}


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda batch: batch.failure(KafkaError("never")), KafkaError),
        (lambda batch: batch.future.cancel(), ProducerClosed),
    ],
)
async def test_one_batch_that_never_arrives_fails_all_of_it(end, error):
    producer = Unsent()
    produce = ProduceBatch(App(producer))
    await produce.add("t", 0, [(b"k", b"v", [])])
    await produce.add("t", 1, [(b"k", b"v", [])])
    end(producer.batches[0])
    producer.batches[1].done(7)
    with pytest.raises(error):
        await asyncio.wait_for(produce.acknowledged(), TIMEOUT_S)


async def test_the_broker_takes_records_of_a_machine_whose_clock_is_ahead(brokers, running):
    """By default it refuses what is more than an hour ahead; a worker could send nothing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        names = [*(topic.name for topic in TOPICS), CHANGELOG]
        answers = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        )
    finally:
        await admin.close()
    times = {
        resource[3]: setting[1]
        for answer in answers
        for resource in answer.resources
        for setting in resource[4]
        if setting[0] == "message.timestamp.type"
    }
    assert times == dict.fromkeys(names, "LogAppendTime")
