"""Sends the heartbeats of storage and feed: that they run, and how far behind they are."""

from __future__ import annotations

from functools import partial

from fraud_app.heartbeats import current_heartbeat, send_heartbeats
from fraud_app.resources import config, redis_client
from fraud_app.sinks import feed, storage
from fraud_app.supervision import supervised
from fraud_app.topics import SCORED


@partial(supervised, storage)
async def send_storage_heartbeats() -> None:
    """Send storage's heartbeats until it stops."""
    await send_heartbeats(
        storage,
        redis_client,
        lambda: current_heartbeat(storage, "storage", SCORED, config.worker_id),
    )


@partial(supervised, feed)
async def send_feed_heartbeats() -> None:
    """Send the feed's heartbeats until it stops."""
    await send_heartbeats(
        feed, redis_client, lambda: current_heartbeat(feed, "feed", SCORED, config.worker_id)
    )
