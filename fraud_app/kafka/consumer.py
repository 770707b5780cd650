"""Faust's consumer, changed to hand over all records that were fetched of a partition as one piece.

Faust gives each record two tasks, a lock and a queue entry of its own. That was half of the
worker's time, and most of the sinks'. Here the records of our own topics go to their agent's queue
as one `FetchedRecords`, and their acknowledgement is one number a partition. All else stays with
Faust: assignment, rebalance, seeks, changelogs, recovery and the commit itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, cast

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from fraud_app.kafka.done_offsets import DoneOffsets
from fraud_app.kafka.fetched import with_last_offset
from fraud_app.kafka.on_demand_consumer import OnDemandConsumer
from fraud_app.kafka.work import FetchedRecords, WorkBatch

NOTHING_TO_READ_S = 0.02
"""Pause while this worker has no partitions. Faust pauses for a second, and the first transaction
after a start would wait for it.
"""


class BatchConsumer(Consumer):
    """Delivers the topics of `app.batch_topics` as `FetchedRecords`.

    All other topics are delivered record by record, as Faust does it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._app: Any = cast(Any, self.app)
        self._batch_topics: set[str] = self._app.batch_topics
        self._channels = self._app.topics._tp_index
        self._in_work: Any = self._unacked_messages
        self.idle = asyncio.Event()
        """Set while the agent works on no batch and no fetched records wait for it."""
        self.idle.set()
        self.seeks = 0
        """Number of seeks until now."""
        self.rewound: dict[TP, tuple[int, int]] = {}
        """By partition, an offset from which it is read again, and the number of that seek; until
        `work_batches` has seen it.
        """
        self.done = DoneOffsets()
        """By partition of batch topics, the next offset to commit."""

    def _new_consumer_thread(self) -> OnDemandConsumer:
        return OnDemandConsumer(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    async def sleep(self, n: Any) -> None:
        """Sleep without a task for `sleep(0)`, with which Faust yields before each fetch."""
        await (super().sleep(n) if n else asyncio.sleep(0))

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(NOTHING_TO_READ_S)
            return {}, set()
        return await super()._wait_next_records(timeout)

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's signature
    ) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch records: deliver those of batch topics, yield those of all others."""
        requested_generation = self.app.consumer_generation_id
        fetched, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            try:
                await self.perform_seek()
            except Exception as error:  # as Faust does: the partitions may be moving elsewhere
                self.log.warning("seek_while_flow_is_stopped_failed: %r", error)
            return
        record_by_record: dict[TP, list[Any]] = {}
        batches = []
        for tp, records in fetched.items():
            if active is None or tp in active or tp in self._buffered_partitions:
                if tp.topic in self._batch_topics:
                    batches.append(
                        FetchedRecords(TP(*tp), requested_generation, records, self.seeks)
                    )
                else:
                    record_by_record[tp] = with_last_offset(tp, records)
        await self._deliver_batches(batches)
        for tp, record in self.scheduler.iterate(record_by_record):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                break
            yield tp, self._to_message(tp, record)

    async def deliver_now(self, requested_generation: int) -> bool:
        """Deliver what the broker answered at once; whether that was done.

        This saves the turns of the event loop that Faust's own way takes. Every special case is
        left to `getmany`. One of them is that no partition is active: asked for no partition,
        aiokafka returns what it has of all of them, changelogs included, and only `getmany` can
        hand those to the recovery.
        """
        consumer = self._thread._ensure_consumer()
        fetcher, active = consumer._fetcher, self._get_active_partitions()
        if (
            not active
            or not self.flow_active
            or self.should_stop
            or self.app.consumer_generation_id != requested_generation
            or fetcher._subscriptions.reassignment_in_progress
            or any(
                type(answer) is not FetchResult or tp.topic not in self._batch_topics
                for tp, answer in fetcher._records.items()
                if tp in active
            )
        ):
            return False
        fetched = await self._thread._fetch_records(consumer, active, timeout=0)
        await self._deliver_batches(
            [
                FetchedRecords(TP(*tp), requested_generation, cast(Any, records), self.seeks)
                for tp, records in fetched.items()
            ]
        )
        return True

    async def _deliver_batches(self, batches: list[FetchedRecords]) -> None:
        """Deliver to the agents' queues; wait for free space only where there is none."""
        if batches and not self._delivered(batches):
            await self.wait_first(self._deliver(batches), self.suspend_flow.wait())

    def _delivered(self, batches: list[FetchedRecords]) -> bool:
        """Deliver what the queues have space for, and remove it from `batches`; whether all went.

        Nothing is awaited: each wait would cost a turn of a busy event loop.
        """
        while batches and self._app.flow_control.is_active():
            queues = [channel.queue for channel in self._channels[batches[0].tp]]
            if any(queue.full() for queue in queues):
                return False
            for queue in queues:
                queue.put_nowait(batches[0])
            del batches[0]
        return not batches

    async def _deliver(self, batches: list[FetchedRecords]) -> None:
        for fetched in batches:
            await self._app.flow_control.acquire()
            for channel in self._channels[fetched.tp]:
                await channel.queue.put(fetched)

    def begin_work(self, work: WorkBatch) -> None:
        """The agent works on these records now: no fetch starts until it waits again."""
        self.idle.clear()
        self._in_work.add(work)

    def mark_done(self, work: WorkBatch, records: Iterable[Any]) -> None:
        """Mark records of a batch as done, and with them all earlier ones of their partitions."""
        for record in records:
            self.done.record_done(TP(record.topic, record.partition), record.offset)
            work.refcount -= 1
        if work.acked:
            self.end_work(work)

    def end_work(self, work: WorkBatch) -> None:
        """No more is done of a batch: what of it is not marked as done is read again."""
        self._in_work.discard(work)
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._app.membership.join()
        await super().on_partitions_assigned(assigned, generation_id)

    def next_to_commit(self, tp: TP) -> int | None:
        """The offset before which everything is done; None while that is not known."""
        done = self.done.of(tp)
        committed: int | None = self._committed_offset.get(tp)
        return committed if done is None else done

    def end_offset(self, tp: TP) -> int | None:
        """Where what may be read of a partition ends; None before the first fetch.

        Records of an open transaction, and all after them, wait for its end.
        """
        consumer, partition = self._thread._ensure_consumer(), TopicPartition(*tp)
        stable: int | None = consumer.last_stable_offset(partition)
        end: int | None = consumer.highwater(partition)
        return end if stable is None or stable < 0 else stable

    def read_offset(self, tp: TP) -> int | None:
        """Where the next fetch of a partition begins; None while that is not known."""
        assignment = self._thread._ensure_consumer()._subscription.subscription.assignment
        state = assignment.state_value(TopicPartition(*tp))
        return state.position if state is not None and state.has_valid_position else None

    async def seek(self, partition: TP, offset: int) -> None:
        self.seeks += 1  # before it: what is handed over from now on is read after the seek
        await super().seek(partition, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)  # waits for batches in work and commits them
        for tp in revoked:
            self.done.forget(tp)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (
            tp
            for tp in cast(Iterable[TP], self.done)
            if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self._batch_topics:
            return self.done.of(tp)  # Faust commits it only when it has changed
        offset: int | None = super()._new_offset(tp)
        return offset
