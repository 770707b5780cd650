"""Says of the sinks that they are there, and how far behind they are."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import faust

from fraud_app.beat import EVERY_S, beat_of
from fraud_app.sinks import config, feed, redis_link, storage
from fraud_app.topics import SCORED
from tables import fleet
from tables.redis_link import RedisAway


async def _tell(app: faust.App, role: str) -> None:
    try:
        while not app.should_stop:
            with suppress(RedisAway):
                await fleet.tell(redis_link, beat_of(app, role, SCORED, config.worker_id))
            await asyncio.sleep(EVERY_S)
    finally:
        with suppress(RedisAway):
            await fleet.leave(redis_link, role, config.worker_id)


@storage.task
async def tell_storage() -> None:
    await _tell(storage, "storage")


@feed.task
async def tell_feed() -> None:
    await _tell(feed, "feed")
