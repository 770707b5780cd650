"""Follows the lives of `transactions.raw`: when it is deleted and created anew, the epoch is raised
by itself, and every record of the new topic is decided.

Offsets start at 0 again in a new topic, and a user's row takes every offset up to its own as
counted. So the topic's id is stored beside the rows, and is looked at whenever reading a partition
begins or goes back. Between two records that follow each other nothing is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady
from faust.types import TP

from fraud_app.kafka.producer import ProduceBatch
from fraud_app.kafka.rewind import beginning_of, commit_anew, read_from_beginning
from fraud_app.kafka.topic_description import TopicDescription, describe_topic
from fraud_app.topics import RAW
from tables.source_topic import SourceTopic, decode, encode, followed, is_another
from tables.user_table import UserTable

log = logging.getLogger(__name__)

ASK_AGAIN_S = 0.5
"""Pause before the broker is asked again after it gave no answer."""


class Piece(NamedTuple):
    """Records of a batch that follow each other in each partition."""

    records: Sequence[Any]
    begins: Any | None
    """The first record, if reading its partition begins or goes back with it."""


class SourceEpochs:
    """The epoch of each partition that is read here."""

    def __init__(self, app: faust.App, table: UserTable, least_epoch: int) -> None:
        self._app, self._table, self._least_epoch = app, table, least_epoch
        self._last: dict[int, int] = {}
        """By partition, the offset of the record that was read last."""
        self._given_up: set[int] = set()
        """Partitions of which no more is decided in this batch: their records come again."""
        self._rewound: set[int] = set()
        """Partitions whose next record is the first of a new topic."""
        self.epochs: dict[int, int] = {}

    def start_partition(self, partition: int) -> None:
        """It is assigned anew: whether the topic is still the same must be looked at."""
        self._last.pop(partition, None)
        self._rewound.discard(partition)

    def pieces(self, records: Sequence[Any]) -> Iterator[Piece]:
        """Split a batch before each record with which reading begins or goes back."""
        self._given_up.clear()
        start, begins, last = 0, None, self._last
        for index, record in enumerate(records):
            if record.offset <= last.get(record.partition, record.offset):
                if index > start:
                    yield Piece(records[start:index], begins)
                start, begins = index, record
            last[record.partition] = record.offset
        if start < len(records):
            yield Piece(records[start:], begins)

    def decidable(self, records: Sequence[Any]) -> Sequence[Any]:
        """The records without those of partitions that are to be read from their beginning: their
        offsets mean nothing in the old epoch.
        """
        if not self._given_up:
            return records
        return [record for record in records if record.partition not in self._given_up]

    async def begin(
        self, record: Any, in_flight_empty: Callable[[], Any], restarted: Callable[[int, int], None]
    ) -> None:
        """Find the epoch of a partition, before the first record of a piece is decided.

        When the topic is another one, and this is its first record: wait for `in_flight_empty`,
        commit where the new topic begins, store the new epoch, and call `restarted` with partition
        and offset. When it is not the first: read from the beginning; decide nothing before.
        """
        partition = record.partition
        if partition in self._given_up:
            return
        topic = await self._described(partition)
        stored = self.stored(partition)
        self.epochs[partition] = stored.epoch if stored else self._least_epoch
        if topic is None:  # deleted; this record is of the topic that was
            return
        source = followed(stored, topic.id, self._least_epoch)
        if is_another(stored, topic.id):
            if not await self._begins_anew(record, in_flight_empty):
                return
            restarted(partition, record.offset)
            extra = {"topic": RAW, "partition": partition, "epoch": source.epoch}
            log.critical("topic_made_anew", extra=extra)
        if source != stored:
            await self._store(partition, source)
        self.epochs[partition] = source.epoch

    async def _begins_anew(self, record: Any, in_flight_empty: Callable[[], Any]) -> bool:
        """Whether everything is ready for the new epoch to begin with this record.

        If not, the partition is read from its beginning, or by its next owner.
        """
        partition, tp = record.partition, TP(RAW, record.partition)
        # What is at the very beginning may be no record, but the marker of a transaction.
        if partition not in self._rewound and record.offset > await beginning_of(self._app, tp):
            await read_from_beginning(self._app, tp)
            self._rewound.add(partition)
            self._given_up.add(partition)
            return False
        await in_flight_empty()
        if not await commit_anew(self._app, tp, record.offset):
            self._given_up.add(partition)  # it has moved
            return False
        self._rewound.discard(partition)
        return True

    def stored(self, partition: int) -> SourceTopic | None:
        """What is stored beside the rows of a partition."""
        data = self._table.read_source(partition)
        return decode(data) if data else None

    async def look_at(self, partition: int, topic_id: bytes) -> None:
        """Act on the topic's id where no record comes that would: note a first one, and read from
        the beginning when it is another one.
        """
        stored = self.stored(partition)
        if stored is None:
            await self._store(partition, followed(None, topic_id, self._least_epoch))
        elif is_another(stored, topic_id):
            log.warning("topic_made_anew_found", extra={"topic": RAW, "partition": partition})
            await read_from_beginning(self._app, TP(RAW, partition))

    async def _described(self, partition: int) -> TopicDescription | None:
        """The topic as the partition's leader knows it. Waits until it answers."""
        while True:
            try:
                return await describe_topic(self._app, RAW, partition)
            except (KafkaError, NotReady, TimeoutError) as error:
                log.warning("topic_not_described", extra={"error": type(error).__name__})
                await asyncio.sleep(ASK_AGAIN_S)

    async def _store(self, partition: int, source: SourceTopic) -> None:
        """Store it, and wait until the changelog has it."""
        data = encode(source)
        self._table.write_source(partition, data)
        produce = ProduceBatch(self._app)
        await self._table.send_source(produce, partition, data)
        self._table.rows_sent(await produce.acknowledged())
