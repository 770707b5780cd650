"""The scoring application: topics, table, resources, and where its agents and pages are. Wiring only.

`faust -A fraud_app worker` runs it; so does `python -m fraud_app worker`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fraud_app import __version__, metrics, topics
from fraud_app.decision_waiters import DecisionWaiters
from fraud_app.kafka import compat
from fraud_app.kafka.application import batch_topic, create_app
from fraud_app.postgres.database import Database
from fraud_app.settings import is_loopback, settings
from ml.serving.model_loader import ModelLoader
from tables.mirror import Mirror
from tables.redis.client import RedisClient
from tables.redis.cross_user_signals import SignalStore
from tables.user_table import UserTable
from web import application_options

config = settings()

app = create_app(
    "fraud-scoring",
    config,
    store="rocksdb://",
    autodiscover=["agents.scoring", "agents.upkeep", "web.routes", "fraud_app.commands", "fraud_app.model_commands"],
    web_application_options=application_options(config),
    consumer_group_instance_id=f"{config.worker_id}-{config.web.port}"
    if "worker_id" in config.model_fields_set
    else None,
)

transactions_raw = batch_topic(app, topics.RAW)
user_table = UserTable.register(app, config.kafka.partitions)


def own_rows() -> Iterator[tuple[str, bytes]]:
    """The rows of the partitions that this worker owns now."""
    for partition in compat.assigned_partitions(app, user_table.changelog_topic_name):
        yield from user_table.rows(partition)


redis_client = RedisClient(config.redis.url.get_secret_value())
signal_store = SignalStore(redis_client, config.redis.deadline_ms)
mirror = Mirror(redis_client, config.redis.mirror_interval_ms, config.worker_id, own_rows)
model = ModelLoader(config.model.dir, config.model.name, config.model.alias)
database = Database(config.postgres)
decision_waiters = DecisionWaiters()

metrics.BUILD.info({"version": __version__})


@app.on_partitions_assigned.connect
async def _copy_rows_of_new_partitions(*_: Any, **__: Any) -> None:
    mirror.rebuild_soon()


@app.on_configured.connect
def _never_open_without_keys(*given: Any, **__: Any) -> None:
    conf = given[1]
    if config.auth.mode == "off" and not is_loopback(conf.web_bind):
        raise SystemExit("--web-bind is an address that others can reach, and FRAUD_AUTH__MODE is off")
