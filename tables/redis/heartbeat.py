"""The running processes: each writes a heartbeat to Redis, so that any worker can show all of them.

This is a view for operators. Nothing is decided by it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import orjson

from tables.redis.client import RedisClient

KEY = "fleet"
"""A hash: role and id of a process -> its heartbeat as JSON."""
DEADLINE_S = 1.0
"""Nobody waits for a heartbeat, so a slow Redis may take its time."""
SEND_EVERY_S = 2.0
"""Seconds between two heartbeats of a process: five fit into `SILENT_AFTER_S`."""
SILENT_AFTER_S = 10.0
"""After so many seconds without a heartbeat a process counts as silent."""
FORGET_AFTER_S = 3600.0
"""After an hour without a heartbeat a process is removed from the list."""


class Heartbeat(NamedTuple):
    """The state of a process. `role`: scoring, storage or feed."""

    id: str
    role: str
    at: float
    """When it was sent, in seconds since 1970."""
    started: float
    """When the process started, in seconds since 1970."""
    version: str
    partitions: list[int]
    lag: int
    """Records that are not committed yet."""
    to_recover: int
    """Changelog records that its tables still have to read."""
    address: str | None = None
    model: str | None = None
    status: str = "ok"
    """How the process is by itself: ok, degraded or down."""
    detail: str = ""
    """Why it is not ok."""


async def send(redis: RedisClient, heartbeat: Heartbeat) -> None:
    """Write the heartbeat of a process. Raises `RedisUnavailable`."""
    value = orjson.dumps(heartbeat._asdict())
    await redis.call(redis.client.hset(KEY, _field(heartbeat), value), DEADLINE_S)


async def remove(redis: RedisClient, heartbeat: Heartbeat) -> None:
    """Remove a process that ends in an orderly way, so that it is not shown as silent.

    Raises `RedisUnavailable`.
    """
    await redis.call(redis.client.hdel(KEY, _field(heartbeat)), DEADLINE_S)


async def all_heartbeats(redis: RedisClient) -> list[Heartbeat]:
    """The last heartbeat of each process within the hour, ordered by role and id.

    Raises `RedisUnavailable`.
    """
    values = await redis.call(redis.client.hgetall(KEY), DEADLINE_S)
    heartbeats = {field: _read(value) for field, value in values.items()}
    oldest = time.time() - FORGET_AFTER_S
    expired = [field for field, heartbeat in heartbeats.items() if heartbeat.at < oldest]
    if expired:
        await redis.call(redis.client.hdel(KEY, *expired), DEADLINE_S)
    return sorted(
        (heartbeat for heartbeat in heartbeats.values() if heartbeat.at >= oldest),
        key=lambda heartbeat: (heartbeat.role, heartbeat.id),
    )


def _read(value: bytes) -> Heartbeat:
    """A heartbeat, without what a newer version has added to it."""
    fields = orjson.loads(value)
    return Heartbeat(**{name: fields[name] for name in Heartbeat._fields if name in fields})


def _field(heartbeat: Heartbeat) -> str:
    return f"{heartbeat.role}/{heartbeat.id}"
