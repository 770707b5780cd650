"""Batches of records for an agent: in order, without a gap, acknowledged by hand.

Written for Faust 0.15.3; see `docs/explanation/faust.md`. A batch is what is queued already.
Nothing here may skip a record or acknowledge one by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, cast

import faust
from aiokafka import TopicPartition

from fraud_app.kafka.consumer import BatchConsumer, FetchedRecords, WorkBatch
from fraud_app.kafka.ordering import Admission, OffsetOrder

log = logging.getLogger(__name__)

REREAD_AFTER_S = 2.0
"""After this silence a record that is still missing is read again. Ten times the longest pause
between two fetches (`on_demand_consumer.RELAXED`).
"""
SEEK_PAUSE_S = 0.05
"""Time for Faust's loop to hand over the records that it still holds, before a seek."""

OnPartitionStart = Callable[[Any, int], None]
"""Called with a partition and the offset at which reading begins."""


async def work_batches(
    stream: Any, limit: int, on_partition_start: OnPartitionStart | None = None
) -> AsyncIterator[WorkBatch]:
    """Yield batches of the records that are waiting: at least one record, at most `limit`.

    Never waits to fill a batch. The records of a partition come in order, from the committed offset
    on, without a gap; see `ordering`. Nothing is acknowledged here: call `acknowledge` when the
    effects of the records are durable.

    `on_partition_start` is called once for each newly assigned partition. The stream's channel is
    read directly, because Faust's own iteration acknowledges what it skips during a rebalance.
    """
    reader = _BatchReader(stream, limit, on_partition_start)
    await stream.maybe_start()
    while not stream.should_stop:
        try:
            await reader.wait_for_records()
        except TimeoutError:
            await reader.reread_skipped_records()
            continue
        except StopAsyncIteration:  # how Faust tells a channel to end
            return
        reader.take_queued_records()
        await reader.wait_for_flow()
        records = await reader.admit_records()
        if records:
            yield reader.begin_work(records)


class _BatchReader:
    """The steps of `work_batches`, in the order in which they are called."""

    def __init__(
        self, stream: Any, limit: int, on_partition_start: OnPartitionStart | None
    ) -> None:
        self._stream, self._app, self._queue = stream, stream.app, stream.channel.queue
        self._consumer = cast(BatchConsumer, stream.app.consumer)
        self._limit, self._on_partition_start = limit, on_partition_start
        self._order = OffsetOrder()
        self._generation: int | None = None
        """The assignment that `_order` belongs to; every rebalance has a new number."""
        self._waiting: deque[FetchedRecords] = deque()
        """Taken from the queue and not given to the agent yet."""

    async def wait_for_records(self) -> None:
        """Step 1: have something to work on. Lets the consumer fetch while nothing is waiting.

        Raises `TimeoutError` after a silence, and `StopAsyncIteration` when the stream ends.
        """
        if not self._waiting:
            self._consumer.idle.set()
            async with asyncio.timeout(REREAD_AFTER_S):  # wait_for would make a task of it
                self._waiting.append(await self._queue.get())

    async def reread_skipped_records(self) -> None:
        """Step 1, after a silence: seek back where records were dropped on their way here."""
        self._follow_generation()
        topics = self._stream.channel.topics
        for tp, offset in await _skipped_partitions(self._app, topics, self._order):
            await _reread(self._app, tp, offset)

    def take_queued_records(self) -> None:
        """Step 2: take what else is queued, without waiting."""
        while not self._queue.empty():
            self._waiting.append(self._queue.get_nowait())

    async def wait_for_flow(self) -> None:
        """Step 3: wait until Faust lets records through. It stops them during a rebalance.

        The consumer must go on fetching meanwhile: the flow starts again only after the changelogs
        are read.
        """
        if not self._app.flow_control.is_active():
            self._consumer.idle.set()
        await self._app.flow_control.acquire()

    async def admit_records(self) -> list[Any]:
        """Step 4: the next records that may be processed, in order; empty when there are none."""
        admitted: list[Any] = []
        while self._waiting and len(admitted) < self._limit:
            fetched = self._waiting[0]
            records = fetched.take(self._limit - len(admitted))
            if fetched.is_used_up:
                self._waiting.popleft()
            self._follow_generation()
            if await self._is_assigned(fetched.tp):
                await self._admit(fetched, records, admitted)
        return admitted

    def _follow_generation(self) -> None:
        """After a rebalance every partition begins again at its committed offset."""
        if self._generation != self._app.consumer_generation_id:
            self._generation = self._app.consumer_generation_id
            self._order.reset()

    async def _is_assigned(self, tp: Any) -> bool:
        """Whether the partition is read here. Looks up where a new one begins.

        The next owner of a partition that was taken away reads it from the committed offset.
        """
        if tp in self._order:
            return True
        if tp not in self._app.consumer.assignment():
            return False
        self._order.start_at(tp, await _start_offset(self._app, tp))
        if self._on_partition_start:
            self._on_partition_start(tp, self._order.expected(tp))
        return True

    async def _admit(
        self, fetched: FetchedRecords, records: Sequence[Any], admitted: list[Any]
    ) -> None:
        """Append the records that may be processed; seek back when one is missing before them.

        What was fetched for an earlier assignment is refused: it is read again.
        """
        tp, order = fetched.tp, self._order
        is_current = fetched.generation == self._generation
        admission_of = order.admit if is_current else order.refuse
        for record in records:
            admission = admission_of(tp, record.offset)
            if admission is Admission.PROCESS:
                admitted.append(record)
            elif admission is Admission.SEEK:
                await _reread(self._app, tp, order.expected(tp), instead_of=record.offset)

    def begin_work(self, records: Sequence[Any]) -> WorkBatch:
        """Step 5: the batch that the agent has to acknowledge. No fetch starts meanwhile."""
        work = WorkBatch(records)
        self._consumer.begin_work(work)
        return work


async def _start_offset(app: faust.App, tp: Any) -> int:
    """Where reading a partition begins: its committed offset, else its oldest record."""
    thread = cast(Any, app.consumer)._thread
    committed: int | None = await thread.call_thread(
        thread._ensure_consumer().committed, TopicPartition(*tp)
    )
    if committed is not None:
        return committed
    oldest: int = (await app.consumer.earliest_offsets(tp))[tp]
    return oldest


async def _skipped_partitions(
    app: faust.App, topics: Iterable[str], order: OffsetOrder
) -> list[tuple[Any, int]]:
    """Partitions that the consumer read further than the agent got, with the offset to read again.

    Only needed when nothing comes any more. Faust drops what it fetched while it assigns
    partitions. The next record would show the gap, but a quiet partition has no next record.
    """
    if app.rebalancing:
        return []
    assignment = (
        cast(Any, app.consumer)._thread._ensure_consumer()._subscription.subscription.assignment
    )
    skipped = [(tp, order.expected(tp)) for tp in order.awaiting_reread()]
    already_listed = {tp for tp, _ in skipped}
    for tp in app.consumer.assignment():
        if tp.topic not in topics or tp in already_listed:
            continue
        state = assignment.state_value(TopicPartition(*tp))
        if state is None or not state.has_valid_position:
            continue
        expected = order.expected(tp) if tp in order else await _start_offset(app, tp)
        if state.position > expected:
            skipped.append((tp, expected))
    return skipped


async def _reread(app: faust.App, tp: Any, offset: int, instead_of: int | None = None) -> None:
    """Read a partition again from this offset. `instead_of`: the offset that came in its place.

    Faust's own seek is undone by records that its loop still holds: let those pass first.
    """
    log.warning("read_again", extra={"partition": str(tp), "offset": offset, "came": instead_of})
    await asyncio.sleep(SEEK_PAUSE_S)
    if tp in app.consumer.assignment():
        await app.consumer.seek(tp, offset)


def drop(app: faust.App, work: WorkBatch) -> None:
    """Give up what of a batch is not done: its partitions are read again from the commit."""
    cast(BatchConsumer, app.consumer).drop_work(work)


def acknowledge(app: faust.App, work: WorkBatch, records: Sequence[Any]) -> None:
    """Mark the next records of a batch as done; the next commit includes their offsets."""
    cast(BatchConsumer, app.consumer).mark_done(work, records)
