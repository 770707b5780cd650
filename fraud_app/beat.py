"""What is true of an application now, told to the fleet as long as it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import faust

from fraud_app import __version__
from fraud_app.kafka import compat
from tables.redis import heartbeat
from tables.redis.client import RedisClient, RedisUnavailable
from tables.redis.heartbeat import Heartbeat

EVERY_S = 2.0
_started = time.time()


def beat_of(app: faust.App, role: str, topic: str, identity: str, **more: Any) -> Heartbeat:
    """The beat of this process's application; `topic`: the one that it reads."""
    return Heartbeat(
        identity, role, time.time(), _started, __version__, sorted(compat.assigned_partitions(app, topic)),
        sum(compat.lag(app, topic).values()), compat.to_recover(app), **more,
    )  # fmt: skip


async def keep_telling(app: faust.App, link: RedisClient, beat: Callable[[], Heartbeat]) -> None:
    """Tell the fleet of this application every two seconds, and say goodbye when it ends in order."""
    try:
        while not app.should_stop:
            with suppress(RedisUnavailable):
                await heartbeat.send(link, beat())
            await asyncio.sleep(EVERY_S)
    finally:
        with suppress(RedisUnavailable):
            await heartbeat.remove(link, beat())
