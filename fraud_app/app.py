"""The scoring application: its topic, its table, and the modules with its agents and routes. This
is wiring only; no work may be done here. `fraud worker` runs it; so does `faust -A fraud_app
worker`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from fraud_app import __version__, metrics, topics
from fraud_app.kafka import compat
from fraud_app.kafka.application import batch_topic, create_app
from fraud_app.resources import champion, config, redis_client, refuse_redis_cluster
from fraud_app.settings import is_open_without_keys
from tables.mirror import Mirror
from tables.user_table import UserTable
from web.http.application import application_options
from web.http.server import Runner

app = create_app(
    "fraud-scoring",
    config,
    modules=[
        "agents.scoring",
        "agents.background.gauges",
        "agents.background.heartbeat",
        "agents.background.mirror",
        "agents.background.model_reload",
        "agents.background.source_topic",
        "agents.background.watchdog",
        "web.routes",
    ],
    before_start=[refuse_redis_cluster, champion.load],
    store="rocksdb://",
    web_application_options=application_options(config),
    web_runner=partial(Runner, settings=config),
    consumer_group_instance_id=f"{config.worker_id}-{config.web.port}"
    if "worker_id" in config.model_fields_set
    else None,
)

transactions_raw = batch_topic(app, topics.RAW)
user_table = UserTable.register(app, config.kafka.partitions)


def own_rows() -> Iterator[tuple[str, bytes]]:
    """Key and bytes of each user's row in the partitions that this worker owns now.

    Those of the changelog do not tell which: it is not among the first worker's while it is new.
    """
    for partition in compat.assigned_partitions(app, topics.RAW):
        yield from user_table.rows(partition)


mirror = Mirror(redis_client, config.redis.mirror_interval_ms, config.worker_id, own_rows)


metrics.BUILD.info({"version": __version__})


@app.on_rebalance_complete.connect
async def _mirror_new_partitions(*_: Any, **__: Any) -> None:
    mirror.rebuild_soon()


@app.on_configured.connect
def _refuse_open_address_without_keys(*arguments: Any, **__: Any) -> None:
    """Check the address again: `--web-bind` of Faust overrides the setting."""
    faust_settings = arguments[1]
    if is_open_without_keys(config.auth.mode, faust_settings.web_bind):
        raise SystemExit(
            "--web-bind is an address that others can reach, and FRAUD_AUTH__MODE is off"
        )
