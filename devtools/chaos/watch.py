"""Watches a cluster from outside while faults happen: what health says, and how far reading is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import aiohttp
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from devtools.audit.topic_reader import end_offsets
from devtools.stack.test_cluster import Cluster
from fraud_app.topics import RAW, SCORED

LOOK_EVERY_S = 0.5
MOST_UNDER_WAY = 1000
"""Records of a group that are not committed yet; under load a little is always under way."""
GROUPS = {"fraud-scoring": RAW, "fraud-storage": SCORED, "fraud-feed": SCORED}
"""Consumer groups, each with the topic that it must read completely."""


class Watch:
    """Asks each worker for its health, twice a second, until it is cancelled."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.said: Counter[str] = Counter()
        """Checks that were not ok, and `unreachable`, with how often."""

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            while True:
                for address in self._cluster.addresses:
                    self.said.update(await _complaints(session, address))
                await asyncio.sleep(LOOK_EVERY_S)

    def take(self) -> list[str]:
        """What was said since the last call, most often first."""
        said = [name for name, _ in self.said.most_common()]
        self.said.clear()
        return said


async def _complaints(session: aiohttp.ClientSession, address: str) -> list[str]:
    try:
        async with session.get(f"{address}api/health") as answer:
            state: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return ["unreachable"]
    return [name for name, check in state["checks"].items() if check["status"] != "ok"]


async def behind(cluster: Cluster) -> dict[str, int]:
    """By consumer group, the records that it has not committed yet. Raises `KafkaError`."""
    brokers = cluster.environment["FRAUD_KAFKA__BROKERS"]
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        ends = {topic: await end_offsets(brokers, topic) for topic in set(GROUPS.values())}
        result = {}
        for group, topic in GROUPS.items():
            committed: dict[TopicPartition, Any] = await admin.list_consumer_group_offsets(group)
            result[group] = sum(
                max(0, end - (committed[partition].offset if partition in committed else 0))
                for partition, end in ends[topic].items()
            )
        return result
    finally:
        await admin.close()


async def wait_until_well(cluster: Cluster, seconds: float) -> float | None:
    """Wait until every worker says that it is well and nothing is left to read; the seconds that
    took, or None when it took longer than `seconds`.
    """
    started = time.monotonic()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        while (waited := time.monotonic() - started) < seconds:
            complaints = [await _complaints(session, address) for address in cluster.addresses]
            if not any(complaints):
                with suppress(KafkaError, TimeoutError):
                    if max((await behind(cluster)).values()) <= MOST_UNDER_WAY:
                        return waited
            await asyncio.sleep(LOOK_EVERY_S)
    return None
