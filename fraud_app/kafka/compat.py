"""What Faust knows of an application and does not say in public: partitions, lag, its broker.

Every access to a private part of Faust is here or beside it in `fraud_app.kafka`. An upgrade that
changes one of them then breaks this package and its tests only.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import faust
from faust.exceptions import NotReady

from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.producer import client_of


def assigned_partitions(app: faust.App, topic: str) -> set[int]:
    """Numbers of the partitions of a topic that are assigned to this worker now."""
    return {tp.partition for tp in app.assignor.assigned_actives() if tp.topic == topic}


def lag(app: faust.App, topic: str) -> dict[int, int]:
    """Offsets of each partition read here that can be read and are not done; empty before the first
    fetch. Records of an open transaction, and all after them, cannot be read yet. What is done ends
    with the last offset that holds no record: a marker or an expired record is no lag.
    """
    consumer = cast(BatchConsumer | None, app.consumer)
    if consumer is None:
        return {}
    lag_by_partition: dict[int, int] = {}
    try:
        assigned = consumer.assignment()
    except NotReady:  # it has not started yet
        return {}
    for tp in assigned:
        if tp.topic == topic:
            done, end = consumer.next_to_commit(tp), consumer.end_offset(tp)
            if done is not None and end is not None:
                lag_by_partition[tp.partition] = max(0, end - done)
    return lag_by_partition


def held(app: faust.App, topic: str) -> dict[int, tuple[int, int]]:
    """By partition read here that holds an open transaction, the offset where that begins, and the
    number of offsets that can be read only after its end.
    """
    consumer = cast(BatchConsumer | None, app.consumer)
    if consumer is None:
        return {}
    ends = {
        tp.partition: (consumer.end_offset(tp), consumer.highwater(tp))
        for tp in consumer.assignment()
        if tp.topic == topic
    }
    return {
        partition: (stable, end - stable)
        for partition, (stable, end) in ends.items()
        if stable is not None and end > stable
    }


def done(app: faust.App, topic: str) -> dict[int, int]:
    """By partition read here, the offset before which everything is done, where that is known."""
    consumer = cast(BatchConsumer | None, app.consumer)
    if consumer is None:
        return {}
    return {
        tp.partition: offset
        for tp in consumer.assignment()
        if tp.topic == topic and (offset := consumer.next_to_commit(tp)) is not None
    }


def to_recover(app: faust.App) -> int:
    """Changelog records that this worker must still read before its partitions are scored."""
    remaining: int = (
        cast(Any, app.tables).recovery.active_remaining_total() if app.rebalancing else 0
    )
    return max(0, remaining)


async def refresh_metadata(app: faust.App) -> None:
    """Let the consumer look which topics there are; it joins its group again when that changed."""
    await cast(Any, app.consumer)._thread._ensure_consumer()._client.force_metadata_update()


async def broker_responds(app: faust.App, seconds: float) -> bool:
    """Whether a broker answers a metadata request within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return bool(await client_of(app).force_metadata_update())
    except (NotReady, TimeoutError):
        return False
