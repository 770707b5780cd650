"""A `faust.App` the way this system needs it; the reasons stand in `docs/architecture.md`."""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import faust

from fraud_app import logging
from fraud_app.kafka import codec, crash
from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.on_demand_consumer import LOW_LATENCY, FetchPolicy
from fraud_app.kafka.topic_admin import ensure_topics
from fraud_app.settings import Settings

MAX_STOP_S = 20.0
"""Longest that a stop may take: what Kubernetes allows for it is 30 s, and what was not
acknowledged by then comes again.
"""
MAX_QUEUED_FETCHES = 32
"""Fetched pieces that may wait for an agent; each holds at most what the broker gives of one
partition, 1 MB.
"""


class Application(faust.App):
    """Faust's app, which first waits for the broker and sees to the topics."""

    settings: Settings

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.batch_topics: set[str] = set()
        """Topics whose records an agent takes by the batch, see `consumer`."""
        self.fetching = LOW_LATENCY
        self.modules: Sequence[str] = ()
        """What holds its agents, tasks and routes."""
        self.before_start: Sequence[Callable[[], None]] = ()

    def _new_transport(self) -> Any:
        transport: Any = super()._new_transport()
        transport.Consumer = BatchConsumer
        return transport

    async def stop(self) -> None:
        """Without a broker to say goodbye to, aiokafka's consumer never stops."""
        too_late = asyncio.get_running_loop().call_later(
            MAX_STOP_S, crash.end_process, "the stop took too long"
        )
        try:
            await super().stop()
        finally:
            too_late.cancel()

    def discover(
        self, *extra_modules: str, categories: Any = None, ignore: Iterable[Any] = ()
    ) -> None:
        """Import the application's own modules and nothing else.

        Faust would also import every module of the package or command that it was started from.
        """
        for module in (*self.modules, *extra_modules):
            importlib.import_module(module)

    async def on_first_start(self) -> None:
        for prepare in self.before_start:
            prepare()
        tune_garbage_collector()
        self.conf.datadir.parent.mkdir(parents=True, exist_ok=True)
        await ensure_topics(self.settings.kafka)
        await super().on_first_start()


def tune_garbage_collector() -> None:
    """Let reference counting do the work of the collector: what it would find here is a handful of
    cycles, and Faust collects everything at every rebalance. Rows are kept as bytes, which it does
    not follow (docs/decisions/0014); young objects are looked at often and few at a time, since a
    pass over 50,000 of them took 64 to 80 ms, one over 1,000 takes less than one
    (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 5, 200_000)


def batch_topic(app: Application, name: str) -> Any:
    """A topic whose records reach the agent as they are and by the batch: read it with
    `compat.work_batches`.
    """
    app.batch_topics.add(name)
    return app.topic(name, maxsize=MAX_QUEUED_FETCHES)


def create_app(
    name: str,
    settings: Settings,
    fetching: FetchPolicy = LOW_LATENCY,
    *,
    modules: Sequence[str] = (),
    before_start: Sequence[Callable[[], None]] = (),
    **options: Any,
) -> Application:
    """An app that is its own consumer group, at least once, with Faust's own web pages off.

    `modules`: what holds its agents, tasks and routes. `before_start`: called before any of them
    starts.
    """
    codec.install()
    kafka = settings.kafka
    app = Application(
        name,
        autodiscover=list(modules),
        broker=[f"kafka://{broker.strip()}" for broker in kafka.brokers.split(",")],
        datadir=str(settings.stream.data_dir / name),
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        topic_partitions=kafka.partitions,
        topic_replication_factor=kafka.replication,
        broker_session_timeout=kafka.session_timeout_s,
        broker_heartbeat_interval=min(1.0, kafka.session_timeout_s / 4),
        broker_rebalance_timeout=30.0,
        broker_request_timeout=40.0,
        broker_commit_interval=kafka.commit_interval_s,
        broker_commit_every=None,
        producer_acks=-1,
        producer_linger=kafka.linger_ms / 1000,
        producer_max_batch_size=262_144,
        stream_buffer_maxsize=2000,
        stream_wait_empty=True,
        web_bind=settings.web.bind,
        web_port=settings.web.port,
        web_host=settings.web.bind,
        web_in_thread=False,
        web_tables_enabled=False,
        web_router_enabled=False,
        web_stats_enabled=False,
        web_graph_enabled=False,
        web_metrics_enabled=False,
        logging_config=logging.configuration(settings),
        worker_redirect_stdouts=False,
        **options,
    )
    app.settings, app.fetching = settings, fetching
    app.modules, app.before_start = modules, before_start
    return app
