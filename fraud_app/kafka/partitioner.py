"""Kafka's default partitioner, as every Kafka client has it: one partition for each user."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2

REMEMBERED_USERS = 20_000
"""As many as rows are kept in memory (`tables.row_cache`); about 200 bytes each."""


@lru_cache(maxsize=REMEMBERED_USERS)
def partition_of(user_id: str, partitions: int) -> int:
    """The partition of a user: murmur2 of the user id, modulo the number of partitions.

    Cached, since murmur2 runs in Python here and the same users come again.
    """
    hashed: int = murmur2(user_id.encode())
    return (hashed & 0x7FFFFFFF) % partitions
