"""Every touch on what Faust keeps private, so that an upgrade that changes one of them breaks here
and in its tests only.

Faust 0.15.3, see the facts in `docs/architecture.md`: an event is acknowledged by hand and in
order, a batch is what is queued already, sends are awaited, and an unexpected error ends the
process instead of losing the event.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from faust.exceptions import NotReady

from fraud_app.kafka.consumer import BatchConsumer, FetchedRecords, WorkBatch
from fraud_app.kafka.ordering import Admission, OffsetOrder

log = logging.getLogger(__name__)

REREAD_AFTER_S = 2.0
"""Silence after which a record that is still missing is asked for again."""
SEEK_PAUSE_S = 0.05


async def work_batches(
    stream: Any, limit: int, began: Callable[[Any, int], None] | None = None
) -> AsyncIterator[WorkBatch]:
    """Batches of the records that are waiting, at least one and at most `limit`; never waits to
    fill one.

    Every record of a partition comes in order from the committed offset on, see `in_order`. Reads
    the stream's channel itself: Faust's own iteration acknowledges what it skips during a
    rebalance. Nothing is acknowledged here: call `acknowledge` when the effects are durable.
    `began(partition, offset)` is told where the reading of each newly assigned partition begins.
    """
    app, queue, order = stream.app, stream.channel.queue, OffsetOrder()
    consumer = cast(BatchConsumer, app.consumer)
    waiting: deque[FetchedRecords] = deque()
    generation = None
    await stream.maybe_start()
    while not stream.should_stop:
        try:
            if not waiting:
                consumer.idle.set()
                async with asyncio.timeout(REREAD_AFTER_S):  # wait_for would make a task of it
                    waiting.append(await queue.get())
        except TimeoutError:
            if generation != app.consumer_generation_id:
                generation = app.consumer_generation_id
                order.reset()
            for tp, offset in await _skipped_partitions(app, stream.channel.topics, order):
                log.warning(
                    "read_again", extra={"partition": str(tp), "offset": offset, "came": None}
                )
                await _seek(app, tp, offset)
            continue
        except StopAsyncIteration:  # how Faust tells a channel to end
            return
        while not queue.empty():
            waiting.append(queue.get_nowait())
        if not app.flow_control.is_active():
            consumer.idle.set()  # partitions move: changelogs must be read before this goes on
        await app.flow_control.acquire()
        batch: list[Any] = []
        while waiting and len(batch) < limit:
            fetched = waiting[0]
            tp, records = (
                fetched.tp,
                fetched.records[fetched.next : fetched.next + limit - len(batch)],
            )
            fetched.next += len(records)
            if fetched.next == len(fetched.records):
                waiting.popleft()
            if generation != app.consumer_generation_id:
                generation = app.consumer_generation_id
                order.reset()
            if tp not in order:
                if tp not in app.consumer.assignment():
                    continue  # taken away; its next owner reads it from the committed offset
                order.start_at(tp, await _start_offset(app, tp))
                if began:
                    began(tp, order.expected(tp))
            admit = order.admit if fetched.generation == generation else order.refuse
            for record in records:
                admission = admit(tp, record.offset)
                if admission is Admission.PROCESS:
                    batch.append(record)
                elif admission is Admission.SEEK:
                    log.warning(
                        "read_again",
                        extra={
                            "partition": str(tp),
                            "offset": order.expected(tp),
                            "came": record.offset,
                        },
                    )
                    await _seek(app, tp, order.expected(tp))
        if batch:
            work = WorkBatch(batch)
            consumer.begin_work(work)
            yield work


async def _start_offset(app: faust.App, tp: Any) -> int:
    """Where reading a partition has to begin: its committed offset, or the oldest record there is."""
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
    """Partitions that were read further than the agent was given, and where to read them again: for
    when nothing comes any more.

    Faust drops what it fetched while it assigns partitions. The next record would show the gap, but
    after the last one before a quiet hour there is none.
    """
    if app.rebalancing:
        return []
    assignment = (
        cast(Any, app.consumer)._thread._ensure_consumer()._subscription.subscription.assignment
    )
    missed = [(tp, order.expected(tp)) for tp in order.awaiting_reread()]
    known = {tp for tp, _ in missed}
    for tp in app.consumer.assignment():
        if tp.topic not in topics or tp in known:
            continue
        state = assignment.state_value(TopicPartition(*tp))
        if state is None or not state.has_valid_position:
            continue
        expected = order.expected(tp) if tp in order else await _start_offset(app, tp)
        if state.position > expected:
            missed.append((tp, expected))
    return missed


async def _seek(app: faust.App, tp: Any, offset: int) -> None:
    """Read a partition again from here. Faust's own seek is undone by records that its loop still
    holds: let those pass first.
    """
    await asyncio.sleep(SEEK_PAUSE_S)
    if tp in app.consumer.assignment():
        await app.consumer.seek(tp, offset)


def acknowledge(app: faust.App, work: WorkBatch, records: Sequence[Any]) -> None:
    """Mark the next of its records as done; their offsets are committed with the next commit."""
    cast(BatchConsumer, app.consumer).mark_done(work, records)


def assigned_partitions(app: faust.App, topic: str) -> set[int]:
    """Partitions of a topic that this worker reads now."""
    return {tp.partition for tp in app.assignor.assigned_actives() if tp.topic == topic}


def lag(app: faust.App, topic: str) -> dict[int, int]:
    """Messages of each partition read here that are not committed yet; nothing before the first
    fetch.
    """
    consumer: Any = app.consumer
    if consumer is None:
        return {}
    behind: dict[int, int] = {}
    for tp in consumer.assignment():
        if tp.topic == topic:
            committed = consumer._committed_offset.get(tp)
            highwater = consumer.highwater(tp)
            if highwater is not None and committed is not None:
                behind[tp.partition] = max(0, highwater - committed)
    return behind


def to_recover(app: faust.App) -> int:
    """Changelog records that the tables here still have to read before their partitions are scored."""
    remaining: int = (
        cast(Any, app.tables).recovery.active_remaining_total() if app.rebalancing else 0
    )
    return max(0, remaining)


async def broker_responds(app: faust.App, seconds: float) -> bool:
    """Whether a broker answers a request for metadata in time."""
    try:
        async with asyncio.timeout(seconds):
            return bool(
                await cast(Any, app.producer)._ensure_producer().client.force_metadata_update()
            )
    except (NotReady, TimeoutError):
        return False
