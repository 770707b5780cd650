"""Copies scored transactions to the Redis Stream that feeds every worker's WebSocket clients.

The feed is a view, not a record. While Redis is unavailable its events are skipped, since
PostgreSQL has them all.
"""

from __future__ import annotations

from typing import Any

from agents.stale_decisions import without_stale
from fraud_app import metrics
from fraud_app.decisions.assignment import SeenAssignments
from fraud_app.kafka import crash
from fraud_app.kafka.batches import acknowledge, work_batches
from fraud_app.resources import redis_client
from fraud_app.sinks import feed, to_feed
from tables.redis.client import RedisUnavailable
from tables.redis.live_feed import append

BATCH = 200
"""Most messages of one call to Redis: few enough for its deadline of a second."""


@feed.agent(to_feed, name="feed")
async def feed_transactions(stream: Any) -> None:
    """Append each batch to the live feed in the order of time, then acknowledge it."""
    seen = SeenAssignments()
    try:
        async for work in work_batches(stream, BATCH):
            # A batch holds one partition after the other.
            current = without_stale(work.records, seen, "feed")
            by_time = sorted(current, key=lambda record: record.timestamp)
            messages = [record.value for record in by_time if record.value]
            appended = await _append(messages)
            metrics.DEPENDENCY_UP.labels("redis").set(appended)
            if appended:
                metrics.FEED_EVENTS.inc(len(messages))
            acknowledge(feed, work, work.records)
    except Exception as error:
        crash.end_process("the feed failed", error)


async def _append(messages: list[bytes]) -> bool:
    """Append messages to the live feed; whether that was done.

    Tried again until Redis counts as unavailable: one slow second must not hide a decision, and a
    message that comes twice is shown once.
    """
    while True:
        try:
            await append(redis_client, messages)
        except RedisUnavailable:
            if not redis_client.is_up:
                return False
        else:
            return True
