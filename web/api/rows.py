"""Reads users' rows: from this worker's table, else from the mirror in Redis. It must never write
one.
"""

from __future__ import annotations

from collections.abc import Sequence

from fraud_app.app import app, mirror, user_table
from fraud_app.kafka import compat
from fraud_app.kafka.partitioner import partition_of
from fraud_app.resources import config
from tables.redis.client import RedisUnavailable
from tables.user_row import EMPTY, UserRow, decode


async def rows_of(users: Sequence[str]) -> tuple[dict[str, UserRow], bool]:
    """Each user's row, and whether Redis answered if the mirror was needed. The row is empty when
    there is none, or when Redis did not answer.
    """
    own = compat.assigned_partitions(app, user_table.changelog_topic_name)
    partitions = [partition_of(user, config.kafka.partitions) for user in users]
    encoded: dict[str, bytes | None] = {
        user: user_table.read(partition, user)
        for user, partition in zip(users, partitions, strict=True)
        if partition in own
    }
    others = [user for user in dict.fromkeys(users) if user not in encoded]
    mirrored = True
    if others:
        try:
            mirrored_rows = await mirror.read(others, config.redis.deadline_ms / 1000)
            encoded.update(zip(others, mirrored_rows, strict=True))
        except RedisUnavailable:
            mirrored = False
    rows = {user: decode(data) if (data := encoded.get(user)) else EMPTY for user in users}
    return rows, mirrored
