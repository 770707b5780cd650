"""The one partition of a user: Kafka's default partitioner, as every Kafka client has it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=100_000)
def partition_of(user_id: str, partitions: int) -> int:
    """The one partition of a user: Kafka's default partitioner (murmur2) on the user id."""
    hashed: int = murmur2(user_id.encode())
    return (hashed & 0x7FFFFFFF) % partitions
