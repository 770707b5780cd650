"""Heartbeats: the state of an application, sent to Redis as long as it runs. Without Redis the
application must go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import faust

from fraud_app import __version__, supervision
from fraud_app.kafka import compat
from tables.redis import heartbeat
from tables.redis.client import RedisClient, RedisUnavailable
from tables.redis.heartbeat import SEND_EVERY_S, Heartbeat

_started = time.time()


def current_heartbeat(
    app: faust.App, role: str, topic: str, worker_id: str, **more: Any
) -> Heartbeat:
    """The current state of an application of this process. `topic` is the topic that it reads."""
    if standstill := supervision.standstill_of(role):
        more = {"status": "degraded", "detail": f"stands still: {standstill}", **more}
    elif supervision.failing:
        more = {"status": "degraded", "detail": "background tasks fail", **more}
    return Heartbeat(
        id=worker_id,
        role=role,
        at=time.time(),
        started=_started,
        version=__version__,
        partitions=sorted(compat.assigned_partitions(app, topic)),
        lag=sum(compat.lag(app, topic).values()),
        to_recover=compat.to_recover(app),
        **more,
    )


async def send_heartbeats(
    app: faust.App, client: RedisClient, current: Callable[[], Heartbeat]
) -> None:
    """Send a heartbeat every two seconds, and remove it when the application stops normally."""
    try:
        while not app.should_stop:
            with suppress(RedisUnavailable):
                await heartbeat.send(client, current())
            await asyncio.sleep(SEND_EVERY_S)
    finally:
        with suppress(RedisUnavailable):
            await heartbeat.remove(client, current())
