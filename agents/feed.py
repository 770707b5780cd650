"""Scored transactions to the Redis Stream that every worker's WebSocket clients are fed from.

The feed is a view, not a record: while Redis is away its events are skipped, since PostgreSQL has
them all.
"""

from __future__ import annotations

from typing import Any

from fraud_app import metrics
from fraud_app.kafka import compat, crash
from fraud_app.resources import redis_client
from fraud_app.sinks import feed, to_feed
from tables.redis.client import RedisUnavailable
from tables.redis.live_feed import append

BATCH = 200


@feed.agent(to_feed, name="feed")
async def feed_transactions(stream: Any) -> None:
    try:
        async for taken in compat.work_batches(stream, BATCH):
            in_time = sorted(
                taken.records, key=lambda record: record.timestamp
            )  # partitions come one after the other
            messages = [record.value for record in in_time if record.value]
            appended = await _appended(messages)
            metrics.DEPENDENCY_UP.labels("redis").set(appended)
            if appended:
                metrics.FEED_EVENTS.inc(len(messages))
            compat.acknowledge(feed, taken, taken.records)
    except Exception as error:
        crash.end_process("the feed failed", error)


async def _appended(messages: list[bytes]) -> bool:
    """Whether the stream has them. Tried again until Redis counts as away: a slow second must not
    hide a decision, and what comes twice is shown once."""
    while True:
        try:
            await append(redis_client, messages)
        except RedisUnavailable:
            if not redis_client.up:
                return False
        else:
            return True
