"""The applications behind scoring: storage and feed, each a consumer group of its own, so that neither can hold up the other.

`python -m fraud_app sinks` runs both in one process; `faust -A fraud_app.sinks:storage worker` and
`faust -A fraud_app.sinks:feed worker` run them apart.
"""

from __future__ import annotations

import faust

from fraud_app import logging, topics
from fraud_app.kafka.application import batch_topic, create_app
from fraud_app.kafka.on_demand_consumer import NEAR_REAL_TIME, RELAXED
from fraud_app.settings import settings
from ml.serving.model_loader import ModelLoader
from ml.serving.registry import CHALLENGER
from tables.redis.client import RedisClient

config = settings()

storage = create_app(
    "fraud-storage",
    config,
    RELAXED,
    autodiscover=["agents.storage", "agents.model_watch", "agents.verdicts", "agents.beating"],
    store="memory://",
    web_enabled=False,
)
feed = create_app(
    "fraud-feed",
    config,
    NEAR_REAL_TIME,
    autodiscover=["agents.feed", "agents.beating"],
    store="memory://",
    web_enabled=False,
)

to_store = batch_topic(storage, topics.SCORED)
labels_to_store = batch_topic(storage, topics.LABELS)
to_feed = batch_topic(feed, topics.SCORED)

redis_client = RedisClient(config.redis.url.get_secret_value())
challenger = ModelLoader(config.model.dir, config.model.name, CHALLENGER, required=False)
"""Scores what was decided, from the stored features, beside the hot path."""


def run() -> None:
    """Both in one process, until a signal ends it."""
    for app in (storage, feed):
        app.finalize()
    worker = faust.Worker(storage, feed, loglevel=config.log.level, logging_config=logging.configuration(config))
    feed.discover()
    worker.execute_from_commandline()
