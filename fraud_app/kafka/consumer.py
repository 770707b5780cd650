"""Faust's consumer, handing over what was fetched of a partition as one piece.

Faust gives each record two tasks, a lock and a queue entry of its own; that was half of the
worker's time, and most of the sinks'. Here the records of our own topics go to their agent's queue
as one `Fetched`, and their acknowledgement is one number a partition. All else (assignment,
rebalance, seeks, changelogs, recovery, the commit itself) is Faust's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, cast

from aiokafka.consumer.fetcher import FetchResult
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from fraud_app.kafka.on_demand_consumer import OnDemandConsumer

NOTHING_TO_READ_S = 0.02
"""Pause while this worker has no partitions. Faust's is a second, which the first payment after a
start would wait for.
"""


class FetchedRecords:
    """Consecutive records of one partition, as the broker gave them. `next`: the first that was not
    taken yet.
    """

    __slots__ = ("generation", "next", "records", "tp")

    def __init__(self, tp: TP, generation: int, records: Sequence[Any]) -> None:
        self.tp, self.generation, self.records = tp, generation, records
        self.next = 0


class WorkBatch:
    """Records that an agent works on; a rebalance and a stop wait until all of them are
    acknowledged.
    """

    __slots__ = ("__weakref__", "records", "refcount")

    def __init__(self, records: Sequence[Any]) -> None:
        self.records = records
        self.refcount = len(records)

    @property
    def acked(self) -> bool:
        return self.refcount == 0


class BatchConsumer(Consumer):
    """Topics named in `app.batch_topics` come as `Fetched`, all others record by record as Faust
    means it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._app: Any = cast(Any, self.app)
        self._batch_topics: set[str] = self._app.batch_topics
        self._channels = self._app.topics._tp_index
        self._in_work: Any = self._unacked_messages
        self.idle = asyncio.Event()
        """Set while no batch is worked on, and nothing that was fetched waits for its turn."""
        self.idle.set()
        self._done_offsets: dict[TP, int] = {}
        """By partition, the offset up to which everything is processed and not committed yet, plus
        one.
        """

    def _new_consumer_thread(self) -> OnDemandConsumer:
        return OnDemandConsumer(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    async def sleep(self, n: Any) -> None:
        """Faust gives way with `sleep(0)` before each fetch; mode makes a task and a timer of it."""
        await (super().sleep(n) if n else asyncio.sleep(0))

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(NOTHING_TO_READ_S)
            return {}, set()
        return await super()._wait_next_records(timeout)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's signature
        requested_generation = self.app.consumer_generation_id
        fetched, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            try:
                await self.perform_seek()
            except (
                Exception
            ) as error:  # as Faust does: the partitions may be on their way elsewhere
                self.log.warning("seek_while_flow_is_stopped_failed: %r", error)
            return
        single, batches = {}, []
        for tp, records in fetched.items():
            if active is None or tp in active or tp in self._buffered_partitions:
                if tp.topic in self._batch_topics:
                    batches.append(FetchedRecords(TP(*tp), requested_generation, records))
                else:
                    single[tp] = records
        await self._deliver_batches(batches)
        for tp, record in self.scheduler.iterate(single):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                break
            yield tp, self._to_message(tp, record)

    async def deliver_now(self, requested_generation: int) -> bool:
        """Give an answer of the broker to its agents at once, without the turns of the loop that
        Faust's way there takes; whether it went. Whatever is out of the ordinary is left to
        `getmany`. Asked for no partition, as while all of them stand still, aiokafka gives what it
        has of every one: changelogs, too, whose records nobody but `getmany` can give to the
        recovery."""
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
                FetchedRecords(TP(*tp), requested_generation, records)
                for tp, records in fetched.items()
            ]
        )
        return True

    async def _deliver_batches(self, batches: list[FetchedRecords]) -> None:
        if batches and not self._delivered(batches):
            await self.wait_first(self._deliver(batches), self.suspend_flow.wait())

    def _delivered(self, batches: list[FetchedRecords]) -> bool:
        """Hand over at once what there is room for, since each wait here is a turn of a busy loop."""
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
        """These records are worked on now."""
        self.idle.clear()
        self._in_work.add(work)

    def mark_done(self, work: WorkBatch, records: Iterable[Any]) -> None:
        """These records of a batch are done, and all before them in their partitions."""
        for record in records:
            tp = TP(record.topic, record.partition)
            self._done_offsets[tp] = max(record.offset + 1, self._done_offsets.get(tp, 0))
            work.refcount -= 1
        if work.acked:
            self._in_work.discard(work)
            if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
                self._waiting_for_ack.set_result(None)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)  # waits for what is worked on, and commits it
        for tp in revoked:
            self._done_offsets.pop(tp, None)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (
            tp
            for tp in list(self._done_offsets)
            if topics is None or tp in topics or tp.topic in topics
        )

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self._batch_topics:
            return self._done_offsets.pop(tp, None)
        offset: int | None = super()._new_offset(tp)
        return offset
