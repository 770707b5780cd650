"""The applications that read scored transactions: storage and feed. Each is a consumer group of its
own, so that neither can delay the other, and neither may delay scoring. This is wiring only.

`fraud sinks` runs both in one process; `faust -A fraud_app.sinks:storage worker` and
`faust -A fraud_app.sinks:feed worker` run them separately.
"""

from __future__ import annotations

import faust

from fraud_app import logging, topics
from fraud_app.kafka.application import batch_topic, create_app
from fraud_app.kafka.on_demand_consumer import NEAR_REAL_TIME, RELAXED
from fraud_app.resources import challenger, config, refuse_redis_cluster

storage = create_app(
    "fraud-storage",
    config,
    RELAXED,
    modules=[
        "agents.storage",
        "agents.labels",
        "agents.dead_letters",
        "agents.background.challenger_reload",
        "agents.background.drift",
        "agents.background.sinks_heartbeat",
        "agents.background.sinks_watchdog",
        "agents.background.verdicts",
    ],
    before_start=[challenger.load],
    store="memory://",
    web_enabled=False,
)
feed = create_app(
    "fraud-feed",
    config,
    NEAR_REAL_TIME,
    modules=[
        "agents.feed",
        "agents.background.sinks_heartbeat",
        "agents.background.sinks_watchdog",
    ],
    before_start=[refuse_redis_cluster],
    store="memory://",
    web_enabled=False,
)

to_store = batch_topic(storage, topics.SCORED)
labels_to_store = batch_topic(storage, topics.LABELS)
dead_letters_to_store = batch_topic(storage, topics.DEAD_LETTERS)
to_feed = batch_topic(feed, topics.SCORED)


def run() -> None:
    """Run both applications in this process until a signal ends it."""
    for app in (storage, feed):
        app.finalize()
    worker = faust.Worker(
        storage, feed, loglevel=config.log.level, logging_config=logging.configuration(config)
    )
    feed.discover()
    worker.execute_from_commandline()
