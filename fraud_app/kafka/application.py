"""A `faust.App` with the settings, the consumer and the start-up checks that this system needs.

Nothing connects when the app is created; that happens when it starts. The reasons for the settings
stand in `docs/explanation/architecture.md`.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import faust
from aiohttp import web

from fraud_app import logging
from fraud_app.errors import FraudError
from fraud_app.kafka import codec, crash, fetched
from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.membership import Membership
from fraud_app.kafka.on_demand_consumer import LOW_LATENCY, REQUEST_S, FetchPolicy
from fraud_app.kafka.producer import PatientProducer
from fraud_app.kafka.topic_admin import ensure_topics
from fraud_app.settings import Settings

MAX_STOP_S = 20.0
"""Longest time that a stop may take. Kubernetes allows 30 s, and whatever is not acknowledged by
then is delivered again.
"""
OUTAGE_S = 10 * 86_400.0
"""Longest outage of the broker, as good as none. Faust gives a rebalance up for good when one of
its steps takes longer, and aiokafka leaves the group when nothing was read for so long.
"""
MAX_QUEUED_FETCHES = 32
"""Fetched pieces that may wait for an agent. Each holds at most what the broker returns of one
partition, 1 MB.
"""
MAX_BATCH_BYTES = 1_048_588
"""The largest batch of records that a broker accepts by default, and what it returns of a partition
in one answer. With less it returns a part of such a batch, and aiokafka skips what it cannot read.
"""


class Application(faust.App):
    """Faust's app. Before its first start it waits for the broker and creates missing topics."""

    settings: Settings
    membership: Membership
    """Whether its partitions are still its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.batch_topics: set[str] = set()
        """Topics whose records an agent takes in batches; see `consumer`."""
        self.fetching = LOW_LATENCY
        self.modules: Sequence[str] = ()
        """Names of the modules that define its agents, tasks and routes."""
        self.before_start: Sequence[Callable[[], None]] = ()
        self.web_runner: Callable[[web.Application], web.AppRunner] | None = None
        """Serves its web application; None: Faust's own way, which bounds nothing."""

    def _new_web(self) -> Any:
        driver: Any = super()._new_web()
        if self.web_runner is not None:
            driver._runner = self.web_runner(driver.web_app)
        return driver

    def _new_transport(self) -> Any:
        transport: Any = super()._new_transport()
        transport.Consumer, transport.Producer = BatchConsumer, PatientProducer
        return transport

    async def stop(self) -> None:
        """Stop, and end the process when that takes longer than `MAX_STOP_S`.

        Without a broker to leave the group at, aiokafka's consumer never stops.
        """
        time_limit = asyncio.get_running_loop().call_later(
            MAX_STOP_S, crash.end_process, "the stop took too long"
        )
        try:
            await super().stop()
        finally:
            time_limit.cancel()

    def discover(
        self, *extra_modules: str, categories: Any = None, ignore: Iterable[Any] = ()
    ) -> None:
        """Import the application's own modules and nothing else.

        Faust would also import every module of the package or command that started it.
        """
        for module in (*self.modules, *extra_modules):
            importlib.import_module(module)

    async def on_first_start(self) -> None:
        try:
            for prepare in self.before_start:
                prepare()
            await ensure_topics(self.settings.kafka)
        except FraudError as error:  # its message says what to do; a traceback would bury it
            crash.end_process(f"not started: {error}")
        tune_garbage_collector()
        self.conf.datadir.parent.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()


def tune_garbage_collector() -> None:
    """Keep the pauses of the garbage collector short.

    Reference counting frees nearly everything here: there are only a few cycles, and Faust collects
    everything at every rebalance. Rows are kept as bytes, which the collector does not follow
    (docs/decisions/0014). Young objects are examined often and few at a time: a pass over 50,000 of
    them took 64 to 80 ms, a pass over 1,000 takes less than 1 ms (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 5, 200_000)


def batch_topic(app: Application, name: str) -> Any:
    """A topic whose raw records reach its agent in batches; read it with `compat.work_batches`."""
    app.batch_topics.add(name)
    return app.topic(name, maxsize=MAX_QUEUED_FETCHES)


def create_app(
    name: str,
    settings: Settings,
    fetching: FetchPolicy = LOW_LATENCY,
    *,
    modules: Sequence[str] = (),
    before_start: Sequence[Callable[[], None]] = (),
    web_runner: Callable[[web.Application], web.AppRunner] | None = None,
    **options: Any,
) -> Application:
    """Create an app with its own consumer group and at-least-once delivery.

    Faust's own web pages are off. `modules`: names of the modules that define its agents, tasks and
    routes. `before_start`: functions to call before any of them starts. `web_runner`: what serves
    its web application. `options`: further settings of `faust.App`.
    """
    codec.install()
    fetched.install()
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
        broker_request_timeout=OUTAGE_S,  # of a step of a rebalance; see `REQUEST_S`
        broker_max_poll_interval=OUTAGE_S,
        producer_request_timeout=REQUEST_S,
        broker_commit_interval=kafka.commit_interval_s,
        broker_commit_every=None,
        consumer_max_fetch_size=MAX_BATCH_BYTES,
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
    app.membership = Membership(kafka.session_timeout_s)
    app.modules, app.before_start, app.web_runner = modules, before_start, web_runner
    return app
