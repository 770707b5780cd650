"""Batches of records for an agent: in order, without a gap, acknowledged by hand.

Written for Faust 0.15.3; see `docs/explanation/faust.md`. A batch is what is queued already.
Nothing here may skip a record or acknowledge one by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import faust
from faust.types import TP

from fraud_app import metrics
from fraud_app.kafka.broker_offsets import oldest_offset, start_offset
from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.ordering import Admission, OffsetOrder
from fraud_app.kafka.work import FetchedRecords, WorkBatch

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""How often is looked for records that were dropped on their way here. What is missing in two looks
is read again: five times the longest pause between two fetches (`on_demand_consumer.RELAXED`).
"""

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
        await reader.look_for_dropped_records()
        try:
            await reader.wait_for_records()
        except TimeoutError:
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
        self._next_look = 0.0
        self._behind: dict[TP, int] = {}
        """Partitions that had been read further than the agent got at the latest look, with the
        offset that it waited for.
        """

    async def look_for_dropped_records(self) -> None:
        """Step 1, now and then: read again what was dropped although no later record shows it.

        Faust drops what it fetched while it assigns partitions. The next record would show the gap,
        but a quiet partition has no next record.
        """
        now = asyncio.get_running_loop().time()
        if now < self._next_look or self._app.rebalancing or not self._app.consumer_generation_id:
            return
        self._next_look = now + LOOK_EVERY_S
        self._follow_generation()
        seen_before, self._behind = self._behind, {}
        for tp in self._consumer.assignment():
            if tp.topic not in self._stream.channel.topics or not await self._is_assigned(tp):
                continue
            read, expected = self._consumer.read_offset(tp), self._order.expected(tp)
            if read is None or read <= expected or self._has_waiting(tp):
                continue
            self._behind[tp] = expected
            if seen_before.get(tp) == expected and not await self._pass_expired(tp):
                await self._reread(tp)

    def _has_waiting(self, tp: TP) -> bool:
        self.take_queued_records()
        return any(fetched.tp == tp for fetched in self._waiting)

    async def wait_for_records(self) -> None:
        """Step 2: have something to work on. Lets the consumer fetch while nothing is waiting.

        Raises `TimeoutError` after a silence, and `StopAsyncIteration` when the stream ends.
        """
        if not self._waiting:
            self._consumer.idle.set()
            async with asyncio.timeout(LOOK_EVERY_S):  # wait_for would make a task of it
                self._waiting.append(await self._queue.get())

    def take_queued_records(self) -> None:
        """Step 3: take what else is queued, without waiting."""
        while not self._queue.empty():
            self._waiting.append(self._queue.get_nowait())

    async def wait_for_flow(self) -> None:
        """Step 4: wait until Faust lets records through. It stops them during a rebalance.

        The consumer must go on fetching meanwhile: the flow starts again only after the changelogs
        are read.
        """
        if not self._app.flow_control.is_active():
            self._consumer.idle.set()
        await self._app.flow_control.acquire()

    async def admit_records(self) -> list[Any]:
        """Step 5: the next records that may be processed, in order; empty when there are none."""
        self._follow_generation()
        admitted: list[Any] = []
        while self._waiting and len(admitted) < self._limit and not self._partitions_moved:
            fetched = self._waiting[0]
            if not await self._is_assigned(fetched.tp):
                self._waiting.popleft()
                continue
            admission = self._admission_of(fetched)
            if admission is Admission.PROCESS:
                admitted += self._take(fetched, self._limit - len(admitted))
            elif admission is Admission.DROP:
                self._waiting.popleft()
            else:
                await self._pass_expired_or_reread(fetched)
        # A rebalance that began meanwhile waits for what is in work, and this is not yet.
        is_ours = self._app.flow_control.is_active() and not self._partitions_moved
        return admitted if is_ours else []

    @property
    def _partitions_moved(self) -> bool:
        """Whether there was a rebalance: whatever was not worked on yet is read again."""
        return bool(self._generation != self._app.consumer_generation_id)

    def _follow_generation(self) -> None:
        """After a rebalance every partition begins again at its committed offset."""
        if self._partitions_moved:
            self._generation = self._app.consumer_generation_id
            self._order.reset()
            self._behind = {}
            self._consumer.rewound.clear()
        self._follow_rewinds()

    def _follow_rewinds(self) -> None:
        """A partition that is read again from an earlier offset begins there: what was fetched of
        it before does not come first.
        """
        for tp in [tp for tp in self._consumer.rewound if tp in self._order]:
            offset, seek = self._consumer.rewound.pop(tp)
            self._order.start_at(tp, offset)
            self._order.reread(tp, seek)

    async def _is_assigned(self, tp: TP) -> bool:
        """Whether the partition is read here. Looks up where a new one begins; it is not read while
        the broker does not say that.

        The next owner of a partition that was taken away reads it from the committed offset.
        """
        if tp in self._order:
            return True
        if tp not in self._consumer.assignment():
            return False
        offset = await start_offset(self._app, tp)
        if offset is None or self._partitions_moved:
            return False
        self._order.start_at(tp, offset)
        self._consumer.done.start_at(tp, offset)
        if self._on_partition_start:
            self._on_partition_start(tp, offset)
        return True

    def _admission_of(self, fetched: FetchedRecords) -> Admission:
        """What was fetched for an earlier assignment is refused: it is read again."""
        if fetched.generation != self._generation:
            return self._order.refuse(fetched.tp, fetched.seek)
        return self._order.admit(fetched.tp, fetched.start, fetched.seek)

    def _take(self, fetched: FetchedRecords, limit: int) -> Sequence[Any]:
        """The next records of a piece; after the last of them, its offsets without a record."""
        start = fetched.start
        records = fetched.take(limit)
        if fetched.is_used_up:
            self._waiting.popleft()
            after_records = records[-1].offset + 1 if records else start
            if after_records < fetched.end:
                self._consumer.done.no_record(fetched.tp, after_records, fetched.end)
        self._order.passed(fetched.tp, fetched.start)
        return records

    async def _pass_expired_or_reread(self, instead: FetchedRecords) -> None:
        """Something is missing before this piece: it has expired, or was dropped on the way."""
        if not await self._pass_expired(instead.tp):
            self._waiting.popleft()
            await self._reread(instead.tp)

    async def _pass_expired(self, tp: TP) -> bool:
        """Go on from the oldest offset that exists; whether it is after the expected one."""
        expected = self._order.expected(tp)
        oldest = await oldest_offset(self._app, tp)
        if oldest is None or oldest <= expected or self._partitions_moved:
            return False
        metrics.EXPIRED.labels(tp.topic).inc(oldest - expected)
        log.error("expired_unread", extra={"partition": str(tp), "from": expected, "to": oldest})
        self._order.passed(tp, oldest)
        self._consumer.done.no_record(tp, expected, oldest)
        return True

    async def _reread(self, tp: TP) -> None:
        expected = self._order.expected(tp)
        if tp in self._consumer.assignment() and not self._partitions_moved:
            log.warning("read_again", extra={"partition": str(tp), "offset": expected})
            await self._consumer.seek(tp, expected)
            self._order.reread(tp, self._consumer.seeks)

    def begin_work(self, records: Sequence[Any]) -> WorkBatch:
        """Step 6: the batch that the agent has to acknowledge. No fetch starts meanwhile."""
        work = WorkBatch(records)
        self._consumer.begin_work(work)
        return work


def drop(app: faust.App, work: WorkBatch) -> None:
    """Give up what of a batch is not done: its partitions are read again from the commit."""
    cast(BatchConsumer, app.consumer).end_work(work)


def acknowledge(app: faust.App, work: WorkBatch, records: Sequence[Any]) -> None:
    """Mark the next records of a batch as done; the next commit includes their offsets."""
    cast(BatchConsumer, app.consumer).mark_done(work, records)
