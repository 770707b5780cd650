"""Dead letters over HTTP: find them, look at one, send them again. Values are never shown unmasked,
and the topic itself must never be changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
from aiohttp import web
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady

from fraud_app.app import app
from fraud_app.contracts.letter_summary import time_of
from fraud_app.contracts.message import Message
from fraud_app.dead_letters import ResendResult, content_of, resend
from fraud_app.kafka.dead_letter_topic import DeadLetterTopic, open_topic
from fraud_app.kafka.partitioner import partition_of
from fraud_app.kafka.producer import ProduceBatch
from fraud_app.postgres import dead_letters as table
from fraud_app.postgres.dead_letters import LetterFilter, StoredLetter
from fraud_app.resources import config
from web.api.query import query
from web.http.body import answer, json_object, query_parameters, validated
from web.http.problem import Problem
from web.schemas.dead_letters import (
    DeadLetter,
    DeadLetterDetail,
    DeadLetterQuery,
    DeadLetters,
    ResendAnswer,
    ResendRequest,
)
from web.schemas.dead_letters import ResendResult as ResendItem

ACK_S = 3.0
"""Longest time for the broker to acknowledge one letter, below the time limit of a query."""
_LARGEST_OFFSET = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_partition_of = partial(partition_of, partitions=config.kafka.partitions)
_one_at_a_time = asyncio.Lock()
"""Each letter holds a connection while the broker answers; the others are for the history."""


async def dead_letters(request: web.Request) -> web.Response:
    """Messages that could not be processed, with the reason, newest first."""
    parameters = query_parameters(DeadLetterQuery, request)
    letter_filter = LetterFilter(
        code=parameters.code,
        topic=parameters.topic,
        original_partition=parameters.original_partition,
        original_offset=parameters.original_offset,
        transaction_id=parameters.transaction_id,
        user_id=parameters.user_id,
        resent=parameters.resent,
        since=parameters.since,
        until=parameters.until,
    )
    after = _position(parameters.cursor) if parameters.cursor else None
    limit = parameters.limit
    # One letter more than the page holds, to see whether there is a next page.
    found, total = await asyncio.gather(
        query(lambda pool: table.page(pool, letter_filter, limit + 1, after)),
        query(lambda pool: table.count(pool, letter_filter)),
    )
    shown = found[:limit]
    page = DeadLetters(
        total=total,
        items=[DeadLetter.of(letter) for letter in shown],
        next_cursor=_cursor(shown[-1]) if len(found) > limit else None,
    )
    return answer(page.model_dump(mode="json"))


async def one(request: web.Request) -> web.Response:
    """A dead letter, with the start of its value and whether it can be sent again."""
    text = request.match_info["offset"]
    offset = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    stored = None
    if 0 <= offset <= _LARGEST_OFFSET:
        stored = await query(lambda pool: table.get(pool, offset))
    if stored is None:
        raise Problem(404, "not_found", "no such dead letter is stored; it may be on its way")
    async with _kafka(), open_topic(config.kafka.brokers) as topic:
        content = content_of(stored, await topic.read(offset), _partition_of)
    letter = DeadLetter.of(stored).model_dump()
    return answer(DeadLetterDetail(**letter, **content._asdict()).model_dump(mode="json"))


async def send_again(request: web.Request) -> web.Response:
    """Send dead letters again to the topics that they came from, each once."""
    body = validated(ResendRequest, await json_object(request, config.web.max_body_bytes))
    results = []
    async with _kafka(), open_topic(config.kafka.brokers) as topic:
        for offset in body.offsets:
            results.append(await _resend(topic, offset, request["analyst"]))  # noqa: PERF401 - in order
    items = [ResendItem(**result._asdict()) for result in results]
    return answer(ResendAnswer(items=items).model_dump(mode="json"))


async def _resend(topic: DeadLetterTopic, offset: int, by: str) -> ResendResult:
    async def read(offset: int) -> Any:
        async with _kafka():
            return await topic.read(offset)

    async def with_connection(pool: asyncpg.Pool) -> ResendResult:
        async with pool.acquire() as connection:
            return await resend(connection, offset, by, read, _send, _partition_of)

    async with _one_at_a_time:
        return await query(with_connection)


async def _send(topic: str, partition: int, message: Message) -> int:
    async with _kafka(), asyncio.timeout(ACK_S):
        produce = ProduceBatch(app)
        await produce.add(topic, partition, [message])
        return (await produce.acknowledged())[topic, partition]


@asynccontextmanager
async def _kafka() -> AsyncIterator[None]:
    """Whatever Kafka raises becomes `Problem` 503; also in the middle of a query, which would take
    it for an outage of the database.
    """
    try:
        yield
    except (TimeoutError, KafkaError, NotReady) as error:
        raise Problem(
            503, "broker_away", "no broker answers; try again", headers={"Retry-After": "5"}
        ) from error


def _cursor(letter: StoredLetter) -> str:
    """The position of a letter in the list: ms since 1970, and its offset."""
    at = (letter.summary.at - _EPOCH) // timedelta(milliseconds=1)
    return f"{at}-{letter.summary.offset}"


def _position(cursor: str) -> tuple[datetime, int]:
    ms, _, offset = cursor.partition("-")
    return time_of(int(ms)), int(offset)
