"""Offsets that only the broker knows: where reading begins. None while it does not say."""

from __future__ import annotations

import logging
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

log = logging.getLogger(__name__)


async def start_offset(app: faust.App, tp: TP) -> int | None:
    """The committed offset of a partition; without one, its oldest offset."""
    thread = cast(Any, app.consumer)._thread
    try:
        committed: int | None = await thread.call_thread(
            thread._ensure_consumer().committed, TopicPartition(*tp)
        )
    except KafkaError as error:
        _log_unknown("committed", tp, error)
        return None
    return committed if committed is not None else await oldest_offset(app, tp)


async def oldest_offset(app: faust.App, tp: TP) -> int | None:
    """The oldest offset of a partition that the broker still has."""
    try:
        oldest: int = (await app.consumer.earliest_offsets(tp))[tp]
    except KafkaError as error:
        _log_unknown("oldest", tp, error)
        return None
    return oldest


def _log_unknown(what: str, tp: TP, error: KafkaError) -> None:
    log.warning(
        "offset_unknown", extra={"what": what, "partition": str(tp), "error": type(error).__name__}
    )
