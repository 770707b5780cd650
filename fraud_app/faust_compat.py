"""Every touch on what Faust keeps private, so that an upgrade that changes one of them breaks here and in its tests only.

Faust 0.15.3, see the facts in `docs/architecture.md`: an event is acknowledged by hand and in order, a batch is what is queued
already, sends are awaited, and an unexpected error ends the process instead of losing the event.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from faust.exceptions import NotReady

from fraud_app.in_order import InOrder, Verdict

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""Silence after which a record that is still missing is asked for again."""
SEEK_PAUSE_S = 0.05
EXIT_CODE = 70
"""EX_SOFTWARE: the supervisor starts the process again and Kafka delivers what was not acknowledged."""


async def queued(stream: Any, limit: int, began: Callable[[Any, int], None] | None = None) -> AsyncIterator[list[Any]]:
    """Batches of what is waiting in the stream, at least one event and at most `limit`; never waits to fill one.

    Every record of a partition comes in order from the committed offset on, see `in_order`. Reads the stream's channel itself:
    Faust's own iteration acknowledges what it skips during a rebalance. Nothing is acknowledged here: call `acknowledge`
    when the effects are durable. `began(partition, offset)` is told where the reading of each newly assigned partition begins.
    """
    app, queue, order = stream.app, stream.channel.queue, InOrder()
    generation = None
    await stream.maybe_start()
    while not stream.should_stop:
        try:
            events = [await asyncio.wait_for(queue.get(), AGAIN_S) if order.read_again() else await queue.get()]
        except TimeoutError:
            for tp in order.read_again():
                await _seek(app, tp, order.expected(tp))
            continue
        except StopAsyncIteration:  # how Faust tells a channel to end
            return
        while len(events) < limit and not queue.empty():
            events.append(queue.get_nowait())
        await app.flow_control.acquire()
        batch = []
        for event in events:
            message, tp = event.message, event.message.tp
            if generation != app.consumer_generation_id:
                generation = app.consumer_generation_id
                order.forget()
            if tp not in order:
                if tp not in app.consumer.assignment():
                    continue  # taken away; its next owner reads it from the committed offset
                order.begin(tp, await _start(app, tp))
                if began:
                    began(tp, order.expected(tp))
            current = message.generation_id == generation
            verdict = order.admit(tp, message.offset) if current else order.refuse(tp, message.offset)
            if verdict is Verdict.SEEK:
                log.warning(
                    "read_again", extra={"partition": str(tp), "offset": order.expected(tp), "came": message.offset}
                )
                await _seek(app, tp, order.expected(tp))
            elif verdict is Verdict.PROCESS:
                if not message.tracked:
                    message.tracked = True
                    app.consumer.track_message(message)
                batch.append(event)
        if batch:
            yield batch


async def _start(app: faust.App, tp: Any) -> int:
    """Where reading a partition has to begin: its committed offset, or the oldest record there is."""
    thread = cast(Any, app.consumer)._thread
    committed: int | None = await thread.call_thread(thread._ensure_consumer().committed, TopicPartition(*tp))
    if committed is not None:
        return committed
    oldest: int = (await app.consumer.earliest_offsets(tp))[tp]
    return oldest


async def _seek(app: faust.App, tp: Any, offset: int) -> None:
    """Read a partition again from here. Faust's own seek is undone by records that its loop still holds: let those pass first."""
    await asyncio.sleep(SEEK_PAUSE_S)
    if tp in app.consumer.assignment():
        await app.consumer.seek(tp, offset)


async def acknowledge(stream: Any, events: list[Any]) -> None:
    """Mark the events as done, in order; their offsets are committed with the next commit."""
    for event in events:
        await stream.ack(event)


async def send(
    app: faust.App,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    *,
    partition: int | None = None,
    headers: list[tuple[str, bytes]] | None = None,
) -> Awaitable[Any]:
    """Hand a message to the producer; the result is done when all in-sync replicas have it, and raises when they never will."""
    producer: Any = cast(Any, app.producer)._ensure_producer()
    sent: Awaitable[Any] = await producer.send(topic, value, key=key, partition=partition, headers=headers)
    return sent


def assigned_partitions(app: faust.App, topic: str) -> set[int]:
    """Partitions of a topic that this worker reads now."""
    return {tp.partition for tp in app.assignor.assigned_actives() if tp.topic == topic}


def die(reason: str, error: BaseException | None = None) -> None:
    """End the process at once, without acknowledging or committing anything. Never returns."""
    log.critical("worker_dies", extra={"reason": reason}, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_CODE)


def watch(task: asyncio.Task[Any], reason: str) -> None:
    """End the process when a background task fails."""

    def ended(done: asyncio.Task[Any]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            die(reason, error)

    task.add_done_callback(ended)


def lag(app: faust.App, topic: str) -> dict[int, int]:
    """Messages of each partition read here that are not committed yet; nothing before the first fetch."""
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


async def broker_answers(app: faust.App) -> bool:
    """Whether a broker answers a request for metadata now."""
    try:
        client = cast(Any, app.producer)._ensure_producer().client
    except NotReady:
        return False
    return bool(await client.force_metadata_update())
