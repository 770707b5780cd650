"""Reads single messages of the dead-letter topic. It joins no consumer group and commits nothing,
so it disturbs nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from fraud_app.topics import DEAD_LETTERS

READ_S = 4.0
"""Longest time to read one message, below the time limit of a request."""
_PARTITION = TopicPartition(DEAD_LETTERS, 0)


class DeadLetterTopic:
    """The topic, while it is open."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def read(self, offset: int) -> Any:
        """The message at this offset; None when Kafka keeps it no more. Raises `KafkaError`, also
        when the broker does not answer in time.
        """
        try:
            async with asyncio.timeout(READ_S):
                return await self._read(offset)
        except TimeoutError as error:
            raise KafkaTimeoutError from error

    async def _read(self, offset: int) -> Any:
        first = await self._consumer.beginning_offsets([_PARTITION])
        end = await self._consumer.end_offsets([_PARTITION])
        if not first[_PARTITION] <= offset < end[_PARTITION]:
            return None
        self._consumer.seek(_PARTITION, offset)
        while await self._consumer.position(_PARTITION) <= offset:
            found = await self._consumer.getmany(_PARTITION, timeout_ms=200, max_records=1)
            for record in found.get(_PARTITION, []):
                return record if record.offset == offset else None
        return None  # a hole, as compaction and transactions leave them


@asynccontextmanager
async def open_topic(brokers: str) -> AsyncIterator[DeadLetterTopic]:
    """The dead-letter topic, to be read. Raises `KafkaError` when no broker answers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign([_PARTITION])
        yield DeadLetterTopic(consumer)
    finally:
        await consumer.stop()
