"""Sends messages that belong together, through Faust's own producer.

The messages go straight to the batches of aiokafka's accumulator. That costs a tenth of its `send`
for each message, and one request to a broker carries the batches of all its partitions.
(librdkafka sends a request a partition: docs/performance.md.) `AIOKafkaProducer.send_batch` would
work, but it waits while the partition has another batch that was not picked up yet.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from aiokafka.errors import ProducerClosed, UnknownTopicOrPartitionError
from faust.transport.drivers.aiokafka import Producer

from fraud_app.contracts.message import Headers, Message
from fraud_app.topics import DEAD_LETTERS

log = logging.getLogger(__name__)

Offsets = Mapping[tuple[str, int], int]
"""By topic and partition, the offset of the last message that was sent."""


class PatientProducer(Producer):
    """Faust's producer, which waits for a broker without a limit.

    aiokafka keeps the messages of a partition in order only as long as it repeats them itself. It
    would give them up after a request's time limit; an older row that is sent again later could
    then replace a newer one in the changelog.
    """

    async def on_start(self) -> None:
        await super().on_start()
        accumulator: Any = cast(Any, self._ensure_producer())._message_accumulator
        accumulator._batch_ttl = math.inf


def client_of(app: faust.App) -> Any:
    """The producer's client: its connections are others than the consumer's, which may hang or wait
    for the group. Raises `NotReady` before the producer has started.
    """
    return cast(Any, app.producer)._ensure_producer().client


class ProduceBatch:
    """Messages with one acknowledgement for all of them; in order within each partition."""

    def __init__(self, app: faust.App) -> None:
        self._producer: Any = cast(Any, app.producer)._ensure_producer()
        self._outcome: asyncio.Future[Offsets] = asyncio.get_running_loop().create_future()
        self._last: dict[tuple[str, int], int] = {}
        self._missing = 0
        self._complete = False

    async def add(self, topic: str, partition: int, messages: Iterable[Message]) -> None:
        """Hand messages of one partition to the producer. Waits until the topic exists.

        Raises the error that has stopped the producer, if there is one.
        """
        await self._wait_for_topic(topic)
        accumulator, tp = self._producer._message_accumulator, TopicPartition(topic, partition)
        if accumulator._exception is not None:
            raise copy.copy(accumulator._exception)
        pending = accumulator._batches.get(tp)
        batch = (
            pending[-1] if pending else accumulator._append_batch(accumulator.create_builder(), tp)
        )
        last_index: dict[Any, int] = {}
        for key, value, headers in messages:
            added = batch._builder.append(key=key, value=value, timestamp=None, headers=headers)
            if added is None:  # the batch is full, or was sent already
                batch = accumulator._append_batch(accumulator.create_builder(), tp)
                added = batch._builder.append(key=key, value=value, timestamp=None, headers=headers)
            last_index[batch] = added.offset
        self._missing += len(last_index)
        for batch, index in last_index.items():
            batch.future.add_done_callback(partial(self._on_ack, tp, index))

    async def add_dead_letters(self, letters: Sequence[Message]) -> None:
        """Hand dead letters to the producer. Unlike `add_one`, this takes one that has neither key
        nor value: a foreign producer can send such a record.
        """
        if letters:
            await self.add(DEAD_LETTERS, 0, letters)

    def batches_waiting(self, topic: str, partition: int) -> int:
        """How many of the producer's batches wait for a broker that takes this partition."""
        waiting = self._producer._message_accumulator._batches
        return len(waiting.get(TopicPartition(topic, partition), ()))

    async def add_one(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None
    ) -> None:
        """Hand a single message to the producer. Kafka's default partitioner picks the partition by
        the key.
        """
        await self._wait_for_topic(topic)
        self._missing += 1
        sent = await self._producer.send(topic, value, key=key, headers=headers)
        sent.add_done_callback(partial(self._on_ack, None, 0))

    async def _wait_for_topic(self, topic: str) -> None:
        while True:
            try:
                await self._producer.client._wait_on_metadata(topic)
            except UnknownTopicOrPartitionError:
                log.warning("topic_missing", extra={"topic": topic})
            else:
                return

    def acknowledged(self) -> asyncio.Future[Offsets]:
        """A future that is done when all in-sync replicas have every message.

        It raises when they never will. Nothing may be added after this call.
        """
        self._complete = True
        self._resolve_when_complete()
        return self._outcome

    def _on_ack(self, tp: TopicPartition | None, index: int, sent: asyncio.Future[Any]) -> None:
        """Note an answer of the broker. `index`: of our last message in the producer's batch.

        `tp`: None for a single message, whose partition the answer tells.
        """
        self._missing -= 1
        if self._outcome.done():
            return
        error = ProducerClosed() if sent.cancelled() else sent.exception()
        if error is not None:
            self._outcome.set_exception(error)
            return
        metadata = sent.result()
        tp = tp or metadata.topic_partition
        self._last[tp.topic, tp.partition] = max(metadata.offset + index, self._last.get(tp, -1))
        self._resolve_when_complete()

    def _resolve_when_complete(self) -> None:
        if self._complete and not self._missing and not self._outcome.done():
            self._outcome.set_result(self._last)
