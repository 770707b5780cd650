"""What other producers and administrators do to our topics: transactions, compaction, deletion,
headers and times of any value. A record that exists is read once and in order; an offset that holds
none costs nothing.
"""

import asyncio
import uuid
from types import SimpleNamespace

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewTopic
from pydantic_core import from_json

from devtools.audit.audit import CHANGELOG, read_topic
from fraud_app.kafka.partitioner import partition_of
from fraud_app.topics import DEAD_LETTERS, LABELS, RAW, SCORED
from ml.features import NAMES
from tests.support.api_client import TIMEOUT_S, until
from tests.support.builders import FOREIGN_KEY, fresh
from tests.support.history import PARTITIONS, stored
from tests.support.topic_reader import reading

CODECS = ["gzip", "snappy", "lz4", "zstd"]


@pytest.fixture
def brokers(running):
    return running.environment["FRAUD_KAFKA__BROKERS"]


@pytest.fixture
def admin(brokers):
    return AdminClient({"bootstrap.servers": brokers})


@pytest.fixture
def new_topic(admin):
    """Makes a topic of one partition with a name of its own; it is removed after the test."""
    names = []

    def make(**config):
        name = f"foreign.{uuid.uuid4().hex}"
        config = {name.replace("_", "."): str(value) for name, value in config.items()}
        admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(TIMEOUT_S)
        names.append(name)
        return name

    yield make
    for answer in admin.delete_topics(names).values() if names else ():
        answer.result(TIMEOUT_S)


@pytest.fixture
def producer(brokers):
    """A producer without transactions."""
    return Producer({"bootstrap.servers": brokers})


@pytest.fixture
def transactional(brokers):
    """Makes producers that write in transactions."""

    def make(**config):
        name = f"shop-{uuid.uuid4().hex}"
        producer = Producer({"bootstrap.servers": brokers, "transactional.id": name, **config})
        producer.init_transactions(TIMEOUT_S)
        return producer

    return make


def send(producer, topic, *values, partition=0, **fields):
    for value in values:
        producer.produce(topic, value, partition=partition, **fields)
    assert producer.flush(TIMEOUT_S) == 0


def commit(producer, topic, *values, **fields):
    producer.begin_transaction()
    send(producer, topic, *values, **fields)
    producer.commit_transaction(TIMEOUT_S)


def abort(producer, topic, *values, **fields):
    producer.begin_transaction()
    send(producer, topic, *values, **fields)
    producer.abort_transaction(TIMEOUT_S)


def committed_offset(admin, topic, group):
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])
    (answer,) = admin.list_consumer_group_offsets([asked]).values()
    return answer.result(TIMEOUT_S).topic_partitions[0].offset


def end_of(brokers, topic):
    """Where a partition ends, markers of transactions included."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "nobody"})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=TIMEOUT_S)[1]
    finally:
        consumer.close()


@pytest_asyncio.fixture
async def readers(running, tmp_path):
    """Starts readers of a topic, in the test's own group."""
    group = f"reader-{uuid.uuid4().hex}"

    def start(topic):
        return reading(running.environment, topic, group, tmp_path)

    return SimpleNamespace(start=start, group=group)


async def all_is_committed(admin, brokers, topic, group):
    return committed_offset(admin, topic, group) == end_of(brokers, topic)


async def test_committed_transactions_are_read_in_order_and_markers_are_no_lag(
    brokers, admin, new_topic, transactional, producer, readers
):
    topic, shop, other = new_topic(), transactional(), transactional()
    abort(shop, topic, "never 1")
    commit(shop, topic, "a", "b")
    abort(other, topic, "never 2", "never 3")
    send(producer, topic, "c")
    for number in range(20):
        commit(shop, topic, f"d{number}")
    abort(other, topic, "never 4")
    wanted = ["a", "b", "c", *(f"d{number}" for number in range(20))]
    async with readers.start(topic) as reader:
        await until(lambda: reader.has(len(wanted)))
        await until(reader.has_no_lag)
        await until(lambda: all_is_committed(admin, brokers, topic, readers.group))
        commit(shop, topic, "e")
        await until(lambda: reader.has(len(wanted) + 1))
        await until(lambda: all_is_committed(admin, brokers, topic, readers.group))
        assert reader.values == [*wanted, "e"]
        assert "read_again" not in reader.log()
    async with readers.start(topic) as reader:
        await until(reader.has_no_lag)
        assert reader.values == [], "a second start reads nothing again"


async def test_records_of_an_open_transaction_wait_for_its_end_and_all_after_them(
    new_topic, transactional, producer, readers
):
    topic, shop = new_topic(), transactional()
    send(producer, topic, "before")
    async with readers.start(topic) as reader:
        await until(lambda: reader.has(1))
        shop.begin_transaction()
        send(shop, topic, "open")
        send(producer, topic, "after")
        await until(reader.has_no_lag)
        assert reader.values == ["before"]
        shop.commit_transaction(TIMEOUT_S)
        await until(lambda: reader.has(3))
        assert reader.values == ["before", "open", "after"]
        await until(reader.has_no_lag)


@pytest.mark.parametrize("codec", CODECS)
async def test_transactions_of_every_codec_are_read(new_topic, transactional, readers, codec):
    topic, shop = new_topic(), transactional(**{"compression.type": codec})
    values = [f"{number}" * 200 for number in range(5)]
    abort(shop, topic, *values)
    commit(shop, topic, *values)
    async with readers.start(topic) as reader:
        await until(lambda: reader.has(5))
        assert reader.values == values


@pytest.mark.parametrize("later", [0, 3])
async def test_what_was_deleted_before_it_was_read_is_passed_and_all_else_is_read(
    brokers, admin, new_topic, producer, readers, later
):
    topic = new_topic()
    send(producer, topic, "first")
    async with readers.start(topic) as reader:
        await until(lambda: reader.has(1))
        await until(lambda: all_is_committed(admin, brokers, topic, readers.group))
    send(producer, topic, *(f"deleted {number}" for number in range(50)))
    deleted = admin.delete_records([TopicPartition(topic, 0, 51)])
    next(iter(deleted.values())).result(TIMEOUT_S)
    wanted = [f"later {number}" for number in range(later)]
    send(producer, topic, *wanted)
    async with readers.start(topic) as reader:
        await until(lambda: all_is_committed(admin, brokers, topic, readers.group))
        await until(reader.has_no_lag)
        assert reader.values == wanted
        assert "expired_unread" in reader.log()
        assert "read_again" not in reader.log()


async def test_records_that_compaction_removed_cost_nothing(
    brokers, admin, new_topic, producer, readers
):
    topic = new_topic(
        cleanup_policy="compact",
        segment_ms=50,
        min_cleanable_dirty_ratio=0.01,
        min_compaction_lag_ms=0,
        max_compaction_lag_ms=100,
    )
    for number in range(60):  # a key that stays and one that is written again, in turn
        send(producer, topic, f"kept {number}", key=f"{number}")
        send(producer, topic, f"again {number}", key="again")

    async def left():
        send(producer, topic, "last", key="last")  # a new segment: only older ones are compacted
        records = await read_topic(brokers, topic)
        return [record.value.decode() for record in records if record.key != b"last"]

    await until(left, lambda values: len(values) == 61, 2 * TIMEOUT_S)
    async with readers.start(topic) as reader:
        await until(lambda: all_is_committed(admin, brokers, topic, readers.group))
        wanted = [*(f"kept {number}" for number in range(60)), "again 59"]
        assert [value for value in reader.values if value != "last"] == wanted
        assert "read_again" not in reader.log()


class AnyBytes(str):
    """A header name that is encoded as these bytes, as in a producer whose names are bytes."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\xfe" + str.encode(self)


async def send_raw(brokers, topic, partition, *records):
    """Send records of (timestamp, key, value, headers) that a well-behaved producer would not."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    try:
        for timestamp, key, value, headers in records:
            batch = producer.create_batch()
            batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
            batch.append(key=key, value=value, timestamp=timestamp, headers=headers)
            sent = await producer.send_batch(batch, topic, partition=partition)
            await sent
    finally:
        await producer.stop()


async def test_headers_keys_and_values_of_any_bytes_are_read(brokers, new_topic, readers):
    topic = new_topic()
    await send_raw(
        brokers,
        topic,
        0,
        (1, None, None, []),
        (2, b"\xff", b"\xff\x00", [(AnyBytes("h"), None), ("\x00", b"\xff"), ("", b"")]),
        (3, b"", b"", [("h\u00e9", None)] * 200),
        (4, b"k", b"last", []),
    )
    async with readers.start(topic) as reader:
        await until(lambda: reader.has(4))
        assert reader.values == [None, "\xff\x00", "", "last"]
        assert reader.headers[1] == ["\\xff\\xfeh", "\x00", ""]


async def test_a_shop_that_writes_in_transactions_is_decided_and_what_it_aborts_is_never_seen(
    brokers, api, running, transactional
):
    restarts = [service.restarts for service in [*running.workers, running.sinks]]
    shop, sent, aborted = transactional(), [], []
    for number in range(10):
        (never, transaction) = (fresh(), fresh())
        for write, value in ((abort, never), (commit, transaction)):
            partition = partition_of(value["user_id"], PARTITIONS)
            write(shop, RAW, orjson.dumps(value), partition=partition, key=value["user_id"])
        aborted.append(never["transaction_id"])
        sent.append(transaction)
        if number == 0:
            await stored(api, transaction)
    for transaction in sent:
        await stored(api, transaction)

    async def lags():
        states = (await api.get("/api/operations")).body
        return [one["lag"] for one in states["processes"]]

    await until(lags, lambda lags: lags and not any(lags))
    decided = {
        from_json(record.value)["transaction_id"]
        for record in await read_topic(brokers, SCORED)
        if record.key != FOREIGN_KEY
    }
    assert decided.isdisjoint(aborted)
    assert [service.restarts for service in [*running.workers, running.sinks]] == restarts


async def test_a_transaction_that_a_shop_leaves_open_is_told_and_holds_nothing_after_its_end(
    api, other_api, transactional
):
    shop, waiting = transactional(), fresh()
    partition = partition_of(waiting["user_id"], PARTITIONS)
    shop.begin_transaction()
    send(shop, RAW, b"{", partition=partition)
    accepted = await api.post("/api/transactions", waiting)
    assert accepted.status == 202
    told = f"messages of partition {partition} wait"

    async def details():
        return "".join([str((await one.get("/health")).body) for one in (api, other_api)])

    await until(details, lambda details: told in details)
    shop.abort_transaction(TIMEOUT_S)
    await stored(api, waiting)
    await until(details, lambda details: told not in details)


@pytest_asyncio.fixture
async def times_of_producers(admin):
    """`transactions.raw` keeps the times that its producers set, also from the far future."""
    resource = ConfigResource("TOPIC", RAW)

    def change(**values):
        resource.incremental_configs = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in values.items()
        ]
        next(iter(admin.incremental_alter_configs([resource]).values())).result(TIMEOUT_S)

    change(
        **{"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)}
    )
    yield
    change(**{"message.timestamp.type": "LogAppendTime"})


@pytest.mark.usefixtures("times_of_producers")
async def test_transactions_with_any_time_and_header_are_decided_and_stored(brokers, api, running):
    restarts = [service.restarts for service in [*running.workers, running.sinks]]
    times = [0, -1, -5, -(2**63), 2**62, 2**63 - 1, 253_402_300_800_000]
    sent = [fresh() for _ in times]
    for timestamp, transaction in zip(times, sent, strict=True):
        await send_raw(
            brokers,
            RAW,
            partition_of(transaction["user_id"], PARTITIONS),
            (timestamp, None, orjson.dumps(transaction), [(AnyBytes("h"), None), ("trace", None)]),
        )
    for transaction in sent:
        answer = await stored(api, transaction)
        assert answer.body["received_at"][:2] == "20", answer.body["received_at"]
    assert [service.restarts for service in [*running.workers, running.sinks]] == restarts


FOREIGN = [
    (5, FOREIGN_KEY, None, []),
    (5, FOREIGN_KEY, b"\xff\xfe", [(AnyBytes("h"), b"")]),
    (5, FOREIGN_KEY, b"{", [("dlq_error_code", b"\xff")]),
]
WITH_ANY_KEY = [
    (5, None, b"\xff", []),
    (5, None, None, []),
    (5, b"", b"", []),
    (5, b"u:somebody", b"{}", []),
]
"""Only where no other test reads."""


@pytest.mark.parametrize("topic", [RAW, SCORED, LABELS, DEAD_LETTERS])
async def test_messages_and_transactions_of_strangers_stop_nothing(
    brokers, api, running, transactional, topic
):
    restarts = [service.restarts for service in [*running.workers, running.sinks]]
    stranger = transactional()
    for partition in range(1 if topic == DEAD_LETTERS else PARTITIONS):
        await send_raw(brokers, topic, partition, *FOREIGN, *(WITH_ANY_KEY if topic == RAW else ()))
        abort(stranger, topic, "aborted", partition=partition, key=FOREIGN_KEY)
        commit(stranger, topic, "committed", partition=partition, key=FOREIGN_KEY)
    for partition in range(PARTITIONS):
        transaction = fresh()
        while partition_of(transaction["user_id"], PARTITIONS) != partition:
            transaction = fresh()
        await api.decided(transaction)
        await stored(api, transaction)
    assert [service.restarts for service in [*running.workers, running.sinks]] == restarts


async def test_a_worker_recovers_from_a_changelog_with_messages_and_transactions_of_strangers(
    brokers, api, running, transactional, recovery
):
    """The changelog ends with the marker of a transaction, and its last records are no rows."""
    known = fresh()
    await api.decided(known)
    stranger = transactional()
    for partition in range(PARTITIONS):
        with_key = [record for record in WITH_ANY_KEY if record[1] is not None]  # it is compacted
        await send_raw(brokers, CHANGELOG, partition, *FOREIGN, *with_key)
        commit(stranger, CHANGELOG, "committed", partition=partition, key=FOREIGN_KEY)
        abort(stranger, CHANGELOG, "aborted", partition=partition, key="u:aborted")
    for worker in running.workers:
        worker.process.kill()
    for worker in running.workers:
        await asyncio.to_thread(worker.wait_ready_again)
    again = {**known, "transaction_id": f"{known['transaction_id']}-2"}
    decided = await until(lambda: api.decided(again))
    assert decided["features"][NAMES.index("tx_count_24h")] == 1, "the row is still there"
