"""Reads a whole Kafka topic as it is now. It joins no consumer group and commits no offset, so it
never disturbs the running system.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from fraud_app.kafka import fetched

_RETRY_S = 0.1  # a topic that was just created has no partitions for a few milliseconds


async def read_topic(brokers: str, topic: str) -> list[ConsumerRecord]:
    """All records of a topic as of now, as our applications see them: without aborted ones. Sorted
    by partition and offset.

    Waits until the topic exists. Raises `KafkaError` when no broker answers.
    """
    fetched.install()
    partitions = await _partitions(brokers, topic)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        records = []
        while any([await consumer.position(partition) < ends[partition] for partition in ends]):
            for batch in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
                records += batch
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def end_offsets(brokers: str, topic: str) -> dict[TopicPartition, int]:
    """By partition, the offset that the next record will get. Raises `KafkaError`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(
            await _partitions(brokers, topic)
        )
        return ends
    finally:
        await consumer.stop()


async def _partitions(brokers: str, topic: str) -> list[TopicPartition]:
    """The topic's partitions, in order; waits until the broker knows them.

    The admin client is asked, because aiokafka's `consumer.partitions_for_topic` knows only topics
    that are assigned or subscribed to; `consumer.topics()` does not change that.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        while True:
            (description,) = await admin.describe_topics([topic])
            if description["partitions"]:
                break
            await asyncio.sleep(_RETRY_S)
    finally:
        await admin.close()
    return [
        TopicPartition(topic, number)
        for number in sorted(partition["partition"] for partition in description["partitions"])
    ]
