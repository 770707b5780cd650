"""Watches the topics of the transactions and of the decisions: whether they exist, and whether that
of the transactions was made anew.

While one is missing, or has another number of partitions than the settings say, nothing is scored
and nothing is accepted; health says why and names the command or the setting.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from aiokafka.errors import KafkaError
from faust.exceptions import NotReady

from agents.scoring import source_epochs
from fraud_app.app import app
from fraud_app.kafka import compat
from fraud_app.kafka.topic_admin import wrong_number
from fraud_app.kafka.topic_description import TopicDescription, describe_topic
from fraud_app.resources import config, scoring_state
from fraud_app.supervision import supervised
from fraud_app.topics import RAW, SCORED

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""Nothing is lost meanwhile; it only bounds how late health says it."""


@partial(supervised, app)
async def follow_source_topic() -> None:
    """Look at both until the app stops."""
    while not app.should_stop:
        try:
            topics = {name: await describe_topic(app, name) for name in (RAW, SCORED)}
        except (KafkaError, NotReady, TimeoutError):
            pass  # the broker is away, which health says by itself
        else:
            reasons = [unusable(*topic, config.kafka.partitions) for topic in topics.items()]
            _say("; ".join(filter(None, reasons)))
            source = topics[RAW]
            if source is not None and not scoring_state.topic_unusable:
                await _follow(source)
        await asyncio.sleep(LOOK_EVERY_S)


def unusable(name: str, topic: TopicDescription | None, partitions: int) -> str:
    """Why a topic cannot be used, and what to do; empty when it can."""
    if topic is None:
        return f"{name} does not exist; `fraud topics` creates it"
    if topic.partitions != partitions:
        return wrong_number(name, topic.partitions, partitions)
    return ""


def _say(reason: str) -> None:
    if reason and reason != scoring_state.topic_unusable:
        log.critical("topic_unusable", extra={"reason": reason})
    scoring_state.topic_unusable = reason


async def _follow(topic: TopicDescription) -> None:
    """Have the topic read from its beginning where another one was read before."""
    if app.rebalancing:
        return
    owned = compat.assigned_partitions(app, RAW)
    if not owned:
        await compat.refresh_metadata(app)  # the group does not know yet that the topic is there
    for partition in owned:
        await source_epochs.look_at(partition, topic.id)
