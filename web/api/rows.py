"""Users' rows for reading: from this worker's table, else from the mirror in Redis."""

from __future__ import annotations

from collections.abc import Sequence

from fraud_app.app import app, mirror, user_table
from fraud_app.kafka import compat
from fraud_app.kafka.partitioner import partition_of
from fraud_app.resources import config
from tables.redis.client import RedisUnavailable
from tables.user_row import EMPTY, UserRow, decode


async def rows_of(users: Sequence[str]) -> tuple[dict[str, UserRow], bool]:
    """Each user's row, and whether the mirror answered when it was needed."""
    own = compat.assigned_partitions(app, user_table.changelog_topic_name)
    homes = [partition_of(user, config.kafka.partitions) for user in users]
    found: dict[str, bytes | None] = {
        user: user_table.read(home, user)
        for user, home in zip(users, homes, strict=True)
        if home in own
    }
    others = [user for user in dict.fromkeys(users) if user not in found]
    mirrored = True
    if others:
        try:
            found.update(
                zip(others, await mirror.read(others, config.redis.deadline_ms / 1000), strict=True)
            )
        except RedisUnavailable:
            mirrored = False
    return {user: decode(data) if (data := found.get(user)) else EMPTY for user in users}, mirrored
