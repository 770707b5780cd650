"""Dead letters of tests: written to the topic as the stream would write them, or by a stranger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from confluent_kafka import Producer

from devtools.stack.test_cluster import Cluster
from fraud_app.contracts.dead_letter import DeadLetter
from fraud_app.kafka.partitioner import partition_of
from fraud_app.topics import DEAD_LETTERS, RAW
from tests.support.api_client import TIMEOUT_S, Answer, ApiClient, until
from tests.support.builders import NOW_MS
from tests.support.history import PARTITIONS


def letter_of(transaction: dict[str, Any], **fields: Any) -> DeadLetter:
    """The letter of a transaction that could not be decided, though nothing is wrong with it."""
    user = transaction["user_id"]
    return DeadLetter(
        **{
            "topic": RAW,
            "partition": partition_of(user, PARTITIONS),
            "offset": 17,
            "timestamp_ms": NOW_MS,
            "key": user.encode(),
            "value": orjson.dumps(transaction),
            "code": "unprocessable",
            "detail": "ZeroDivisionError in somewhere.py:1, tried 2 times",
            "attempts": 2,
            **fields,
        }
    )


async def write(running: Cluster, *letters: DeadLetter) -> list[int]:
    """Put letters into the topic. Returns their offsets."""
    return await write_foreign(running, *(letter.message("test") for letter in letters))


async def write_foreign(running: Cluster, *messages: Sequence[Any]) -> list[int]:
    """Put messages (key, value, headers) of a stranger into the dead-letter topic."""
    offsets: list[int] = []
    # Not aiokafka: its producer sends no message that has neither key nor value.
    producer = Producer({"bootstrap.servers": running.environment["FRAUD_KAFKA__BROKERS"]})
    for key, value, headers in messages:
        producer.produce(
            DEAD_LETTERS,
            value,
            key,
            partition=0,
            headers=headers,
            on_delivery=lambda error, message: offsets.append(message.offset()),
        )
    assert await asyncio.to_thread(producer.flush, TIMEOUT_S) == 0
    return offsets


async def stored_letter(api: ApiClient, offset: int) -> Answer:
    """Wait until the letter at this offset is stored, and look at it."""
    return await until(
        lambda: api.get(f"/api/dead-letters/{offset}"), lambda answer: answer.status == 200
    )


async def resend(api: ApiClient, *offsets: int, **options: Any) -> Answer:
    """Ask for these letters to be sent again."""
    return await api.post("/api/dead-letters/resend", {"offsets": list(offsets)}, **options)
