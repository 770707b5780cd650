"""Creates the declared topics that are missing, and refuses topics that this worker cannot use.

It never changes or deletes a topic that exists.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import count

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from fraud_app.errors import FraudError
from fraud_app.settings import Kafka
from fraud_app.topics import TOPICS

log = logging.getLogger(__name__)

SAY_EVERY = 20
"""Tries, half a second apart, between two log lines while no broker answers."""


class TopicsUnusable(FraudError):
    """The broker is missing, or it has a topic that this worker cannot work with."""


async def ensure_topics(kafka: Kafka, wait_s: float = 60.0) -> None:
    """Create the topics that are missing, and check the number of partitions of all others.

    Waits up to `wait_s` seconds for a broker. Raises `TopicsUnusable`, which says what to do.
    """
    admin = await _connect(kafka.brokers, wait_s)
    try:
        wanted = {topic.name: topic.partitions or kafka.partitions for topic in TOPICS}
        existing = {
            description["topic"]: len(description["partitions"])
            for description in await admin.describe_topics(list(wanted))
            if not description["error_code"]
        }
        missing = [
            NewTopic(topic.name, wanted[topic.name], kafka.replication, topic_configs=topic.config)
            for topic in TOPICS
            if topic.name not in existing
        ]
        if missing:
            answer = await admin.create_topics(missing)
            for name, code, *_ in answer.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise TopicsUnusable(f"the broker would not create {name}: {error.__name__}")
        for name, partitions in existing.items():
            if partitions != wanted[name]:
                raise TopicsUnusable(wrong_number(name, partitions, wanted[name]))
    finally:
        await admin.close()


def wrong_number(topic: str, partitions: int, wanted: int) -> str:
    """Why a topic with so many partitions cannot be used, and what to do."""
    return (
        f"{topic} has {partitions} partitions and FRAUD_KAFKA__PARTITIONS asks for {wanted}; "
        "users would change partitions and lose their history. "
        "Set it to what is there, or rebuild into new topics."
    )


async def _connect(brokers: str, wait_s: float) -> AIOKafkaAdminClient:
    deadline = asyncio.get_running_loop().time() + wait_s
    for attempt in count():
        admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            await admin.close()
            if asyncio.get_running_loop().time() > deadline:
                raise TopicsUnusable(
                    f"FRAUD_KAFKA__BROKERS: no broker answered at {brokers} in {wait_s:.0f} s. "
                    "Is it running? scripts/demo starts one."
                ) from error
            if attempt % SAY_EVERY == 0:
                log.warning(
                    "no_broker", extra={"setting": "FRAUD_KAFKA__BROKERS", "brokers": brokers}
                )
            await asyncio.sleep(0.5)
        else:
            return admin
    raise AssertionError("unreachable")
