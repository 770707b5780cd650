"""Sets the metrics that nothing else sets: dependencies, lag, mirror, review queue and drift."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from agents.background.open_transactions import OpenTransactions
from fraud_app import metrics
from fraud_app.app import app, mirror, user_table
from fraud_app.kafka import compat
from fraud_app.postgres import drift, labels, review_queue
from fraud_app.postgres.database import DatabaseUnavailable
from fraud_app.resources import champion, database, redis_client, scoring_state
from fraud_app.supervision import supervised
from fraud_app.topics import RAW
from ml.serving.registry import name_and_version

# Outages must show at once; drift and the review queue change slowly and cost a query each.
DEPENDENCIES_EVERY_S = 2.0
DRIFT_EVERY_S = 30.0
REVIEWS_EVERY_S = 15.0
_open_transactions = OpenTransactions()


@partial(supervised, app)
async def observe_dependencies() -> None:
    """Dependencies, mirror and lag; also notes how far the local tables are, and their files."""
    while not app.should_stop:
        user_table.note_offsets()
        await asyncio.to_thread(user_table.databases.note_files)
        metrics.DEPENDENCY_UP.labels("redis").set(redis_client.is_up)
        metrics.DEPENDENCY_UP.labels("postgres").set(await database.responds())
        metrics.DEPENDENCY_UP.labels("model").set(champion.scorer is not None)
        metrics.MIRRORED.set(mirror.copied)
        metrics.MIRROR_WAITING.set(mirror.waiting)
        for partition, lag in compat.lag(app, RAW).items():
            metrics.LAG.labels(RAW, str(partition)).set(lag)
        held = compat.held(app, RAW)
        for partition in compat.assigned_partitions(app, RAW):
            _, count = held.get(partition, (0, 0))
            metrics.HELD.labels(RAW, str(partition)).set(count)
        scoring_state.held = _open_transactions.sentence(held, time.monotonic())
        await asyncio.sleep(DEPENDENCIES_EVERY_S)


@partial(supervised, app)
async def observe_drift() -> None:
    """The drift that storage measured, as metrics of every worker."""
    while not app.should_stop:
        if champion.scorer is not None:
            with suppress(DatabaseUnavailable):
                await _set_drift(name_and_version(champion.scorer.reference))
        await asyncio.sleep(DRIFT_EVERY_S)


async def _set_drift(model: str) -> None:
    measurement = await database.query(lambda pool: drift.latest_measurement(pool, model))
    for feature in measurement.features if measurement else ():
        metrics.PSI.labels(feature.feature).set(feature.psi)
        metrics.MISSING.labels(feature.feature).set(feature.missing)


@partial(supervised, app)
async def observe_reviews() -> None:
    """Depth and age of the review queue and labels of nobody, as metrics of every worker."""
    while not app.should_stop:
        with suppress(DatabaseUnavailable):
            queue = await database.query(review_queue.summary)
            oldest = queue["oldest_at"]
            metrics.REVIEW_DEPTH.set(queue["open"])
            metrics.REVIEW_OLDEST.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
            metrics.LABELS_UNMATCHED.set(await database.query(labels.unmatched))
        await asyncio.sleep(REVIEWS_EVERY_S)
