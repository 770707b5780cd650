"""Who is running: each process tells a hash in Redis every few seconds, so that any worker can show
all of them.

It is a view for operators. Nothing decides by it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import orjson

from tables.redis.client import RedisClient

KEY = "fleet"
DEADLINE_S = 1.0
EVERY_S = 2.0
SILENT_AFTER_S = 10.0
"""Longer without a word, and a process counts as gone."""
FORGET_AFTER_S = 3600.0


class Heartbeat(NamedTuple):
    """What a process says of itself. `role`: scoring, storage or feed."""

    id: str
    role: str
    at: float
    """Unix time."""
    started: float
    version: str
    partitions: list[int]
    lag: int
    """Records that are not committed yet."""
    to_recover: int
    """Changelog records that its tables still have to read."""
    address: str | None = None
    model: str | None = None


async def send(link: RedisClient, beat: Heartbeat) -> None:
    """Say that this process is there. Raises `RedisAway`."""
    await link.call(link.client.hset(KEY, _field(beat), orjson.dumps(beat._asdict())), DEADLINE_S)


async def remove(link: RedisClient, beat: Heartbeat) -> None:
    """Say goodbye: who ends in order is not missed. Raises `RedisAway`."""
    await link.call(link.client.hdel(KEY, _field(beat)), DEADLINE_S)


async def all_heartbeats(link: RedisClient) -> list[Heartbeat]:
    """Every process that spoke within the hour, scoring first. Raises `RedisAway`."""
    said = await link.call(link.client.hgetall(KEY), DEADLINE_S)
    beats = {field: Heartbeat(**orjson.loads(value)) for field, value in said.items()}
    oldest = time.time() - FORGET_AFTER_S
    gone = [field for field, beat in beats.items() if beat.at < oldest]
    if gone:
        await link.call(link.client.hdel(KEY, *gone), DEADLINE_S)
    return sorted(
        (beat for beat in beats.values() if beat.at >= oldest),
        key=lambda beat: (beat.role, beat.id),
    )


def _field(beat: Heartbeat) -> str:
    return f"{beat.role}/{beat.id}"
