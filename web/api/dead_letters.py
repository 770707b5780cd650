"""The dead-letter topic over HTTP. It is read without joining a consumer group, and must never be
changed.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from fraud_app.contracts import card_data
from fraud_app.resources import config
from fraud_app.topics import DEAD_LETTERS, TOPICS
from web.http.body import answer
from web.http.problem import Problem
from web.schemas.dead_letters import DeadLetter, DeadLetters

SHOWN = 50
"""Messages that the page shows."""
READ_S = 5.0
"""Longest time to read them, below the time limit of a request."""
PREVIEW = 240
"""Characters of a value that are shown: enough to recognise it."""
PARTITIONS = next(topic.partitions or 1 for topic in TOPICS if topic.name == DEAD_LETTERS)


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
    """The number of messages that the topic holds, and the latest `limit` of them, newest first. No
    offset is committed.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=config.kafka.brokers, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(DEAD_LETTERS, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        first, end = await asyncio.gather(
            consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        )
        for partition in partitions:
            consumer.seek(partition, max(first[partition], end[partition] - limit))
        records: list[Any] = []
        unread = [partition for partition in partitions if first[partition] < end[partition]]
        while unread:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
            unread = [
                partition
                for partition in unread
                if await consumer.position(partition) < end[partition]
            ]
        records.sort(key=lambda record: -record.timestamp)
        total = sum(end[partition] - first[partition] for partition in partitions)
        return total, records[:limit]
    finally:
        await consumer.stop()


def dead_letter_of(record: Any) -> DeadLetter:
    """The public description of a record: at most the start of its value, without long numbers."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    value = record.value or b""
    start = value[: PREVIEW * 2].decode(errors="replace")
    text = card_data.without_long_numbers(start)[:PREVIEW]
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
