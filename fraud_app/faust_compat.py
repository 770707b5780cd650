"""Every touch on what Faust keeps private, so that an upgrade that changes one of them breaks here and in its tests only.

Faust 0.15.3, see the facts in `docs/architecture.md`: an event is acknowledged by hand and in order, a batch is what is queued
already, sends are awaited, and an unexpected error ends the process instead of losing the event.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable
from typing import Any, cast

import faust
from faust.exceptions import NotReady

__all__ = ["NotReady", "acknowledge", "assigned_partitions", "die", "lag", "queued", "send", "watch"]

log = logging.getLogger(__name__)

EXIT_CODE = 70
"""EX_SOFTWARE: the supervisor starts the process again and Kafka delivers what was not acknowledged."""


async def queued(stream: Any, limit: int) -> AsyncIterator[list[Any]]:
    """Batches of what is waiting in the stream, at least one event and at most `limit`; never waits to fill one.

    Unlike `take`, acknowledges nothing: call `acknowledge` when the effects are durable.
    """
    stream.enable_acks = False
    app, queue = stream.app, stream.channel.queue
    async for _ in stream:
        batch = [stream.current_event]
        while len(batch) < limit and not queue.empty():
            event = queue.get_nowait()
            message = event.message
            if not app.flow_control.is_active() or message.generation_id != app.consumer_generation_id:
                continue  # of a partition that was taken away; its next owner reads it again
            if not message.tracked:
                message.tracked = True
                app.consumer.track_message(message)
            batch.append(event)
        yield batch


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
