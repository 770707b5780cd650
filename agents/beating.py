"""Says of the sinks that they are there, and how far behind they are."""

from __future__ import annotations

from fraud_app.beat import beat_of, keep_telling
from fraud_app.sinks import config, feed, redis_client, storage
from fraud_app.topics import SCORED


@storage.task
async def tell_storage() -> None:
    await keep_telling(storage, redis_client, lambda: beat_of(storage, "storage", SCORED, config.worker_id))


@feed.task
async def tell_feed() -> None:
    await keep_telling(feed, redis_client, lambda: beat_of(feed, "feed", SCORED, config.worker_id))
