"""What runs beside the scoring agent: the mirror, the table's place in its changelog, and figures for health and metrics."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

from agents import scoring
from agents.progress import STUCK_S, Progress
from fraud_app import metrics
from fraud_app.app import app, config, database, mirror, model, redis_client, user_table
from fraud_app.beat import EVERY_S, beat_of, keep_telling
from fraud_app.kafka import compat, crash
from fraud_app.postgres import drift, review_queue
from fraud_app.postgres.database import DatabaseUnavailable
from fraud_app.topics import RAW
from ml.serving.model_loader import CHECK_ALIAS_S
from ml.serving.registry import version_in
from tables.redis.heartbeat import Heartbeat

DRIFT_EVERY_S = 30.0
REVIEWS_EVERY_S = 15.0


def own_beat() -> Heartbeat:
    """What this worker says of itself."""
    reference = model.scorer.reference if model.scorer else None
    address = f"{config.web.bind}:{config.web.port}"
    return beat_of(app, "scoring", RAW, config.worker_id, address=address, model=reference)


@app.task
async def keep_mirror() -> None:
    await mirror.run()


@app.task
async def follow_alias() -> None:
    """Another version is loaded beside the running one and decides from the next batch on."""
    while not app.should_stop:
        await model.reload_if_moved()
        name = model.scorer.reference if model.scorer else "none"
        metrics.MODEL.info({"version": name, "alias": model.alias})
        await asyncio.sleep(CHECK_ALIAS_S)


@app.task
async def notice_standstill() -> None:
    """A worker that hangs while the broker answers ends, and tells where it hung: what it had not acknowledged comes again."""
    progress = Progress(time.monotonic())
    while not app.should_stop:
        waiting = {} if app.rebalancing else compat.lag(app, RAW)
        still_s = progress.still_for(waiting, scoring.acked_offsets, time.monotonic())
        if still_s > STUCK_S and await compat.broker_responds(app, EVERY_S):
            crash.log_tasks()
            crash.end_process(f"records wait and none was processed for {STUCK_S:g} s")
        await asyncio.sleep(EVERY_S)


@app.task
async def observe_drift() -> None:
    """What storage measured, as metrics of every worker."""
    while not app.should_stop:
        scorer = model.scorer
        if scorer is not None:
            name = version_in(scorer.reference)
            with suppress(DatabaseUnavailable):
                found = await database.query(lambda connected: drift.latest_measurement(connected, name))  # noqa: B023
                for one in found.features if found else ():
                    metrics.PSI.labels(one.feature).set(one.psi)
                    metrics.MISSING.labels(one.feature).set(one.missing)
        await asyncio.sleep(DRIFT_EVERY_S)


@app.task
async def tell_fleet() -> None:
    await keep_telling(app, redis_client, own_beat)


@app.task
async def observe_reviews() -> None:
    """The queue's depth and age, as metrics of every worker."""
    while not app.should_stop:
        with suppress(DatabaseUnavailable):
            found = await database.query(review_queue.summary)
            metrics.REVIEW_DEPTH.set(found["open"])
            oldest = found["oldest_at"]
            metrics.REVIEW_OLDEST.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
        await asyncio.sleep(REVIEWS_EVERY_S)


@app.task
async def observe_dependencies() -> None:
    while not app.should_stop:
        user_table.note_offsets()
        metrics.DEPENDENCY_UP.labels("redis").set(redis_client.up)
        metrics.DEPENDENCY_UP.labels("postgres").set(await database.responds())
        metrics.DEPENDENCY_UP.labels("model").set(model.scorer is not None)
        metrics.MIRRORED.set(mirror.copied)
        metrics.MIRROR_WAITING.set(mirror.waiting)
        for partition, lag in compat.lag(app, RAW).items():
            metrics.LAG.labels(RAW, str(partition)).set(lag)
        await asyncio.sleep(EVERY_S)
