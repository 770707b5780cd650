"""What lies in the dead-letter topic."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from fraud_app.resources import config
from fraud_app.topics import DEAD_LETTERS
from web.http.body import answer
from web.http.problem import Problem
from web.schemas.dead_letters import DeadLetter, DeadLetters

SHOWN = 50
READ_S = 5.0
PREVIEW = 240
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11,18}")


async def dead_letters(request: web.Request) -> web.Response:
    """The latest messages that could not be processed, with the reason; their values stay in Kafka
    as they came.
    """
    try:
        async with asyncio.timeout(READ_S):
            total, records = await _latest(SHOWN)
    except (TimeoutError, KafkaError) as error:
        raise Problem(
            503, "broker_away", "no broker answers", headers={"Retry-After": "5"}
        ) from error
    return answer(
        DeadLetters(total=total, items=[dead_letter_of(record) for record in records]).model_dump(
            mode="json"
        )
    )


async def _latest(limit: int) -> tuple[int, list[Any]]:
    """How many messages the topic holds, and the latest of them, newest first. Joins no group and
    commits nothing.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=config.kafka.brokers, enable_auto_commit=False)
    await consumer.start()
    try:
        await (
            consumer.topics()
        )  # asks the broker; before that no partition of a topic that is not subscribed to is known
        places = [
            TopicPartition(DEAD_LETTERS, one)
            for one in consumer.partitions_for_topic(DEAD_LETTERS) or {0}
        ]
        consumer.assign(places)
        first, last = await asyncio.gather(
            consumer.beginning_offsets(places), consumer.end_offsets(places)
        )
        for place in places:
            consumer.seek(place, max(first[place], last[place] - limit))
        records: list[Any] = []
        waiting = [place for place in places if first[place] < last[place]]
        while waiting:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
            waiting = [place for place in waiting if await consumer.position(place) < last[place]]
        records.sort(key=lambda record: -record.timestamp)
        return sum(last[place] - first[place] for place in places), records[:limit]
    finally:
        await consumer.stop()


def dead_letter_of(record: Any) -> DeadLetter:
    """What is told of a record: never more than the start of its value, and no long number in it."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    value = record.value or b""
    text = _LONG_NUMBER.sub("…", value[: PREVIEW * 2].decode(errors="replace"))[:PREVIEW]
    return DeadLetter(
        partition=record.partition,
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        code=headers.get("dlq_error_code", "unknown"),
        detail=headers.get("dlq_error_message", ""),
        topic=headers.get("dlq_original_topic", ""),
        original_partition=_number(headers.get("dlq_original_partition")),
        original_offset=_number(headers.get("dlq_original_offset")),
        size=len(value),
        preview=text,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
