"""Reads users' rows: from this worker's table, else from the mirror in Redis. It must never write
one.
"""

from __future__ import annotations

from collections.abc import Sequence

from fraud_app.app import app, mirror, user_table
from fraud_app.kafka import compat
from fraud_app.kafka.partitioner import partition_of
from fraud_app.resources import config
from fraud_app.topics import RAW
from tables.redis.client import RedisUnavailable
from tables.user_row import EMPTY, UserRow, decode


async def rows_of(users: Sequence[str]) -> tuple[dict[str, UserRow], bool]:
    """Each user's row, and whether it is known. The row is empty when there is none, and also when
    Redis did not answer, or has no copy while the table here is recovered.
    """
    # Until the changelog is read, the own table may lack a user, or have an old row.
    own = set() if app.rebalancing else compat.assigned_partitions(app, RAW)
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
            mirrored = not (app.rebalancing and None in mirrored_rows)
        except RedisUnavailable:
            mirrored = False
    rows = {user: decode(data) if (data := encoded.get(user)) else EMPTY for user in users}
    return rows, mirrored
