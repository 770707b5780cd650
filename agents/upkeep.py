"""What runs beside the scoring agent: the mirror, the table's place in its changelog, and figures for health and metrics."""

from __future__ import annotations

import asyncio

from fraud_app import faust_compat, metrics
from fraud_app.app import app, history, mirror, model, redis_link, user_table
from fraud_app.topics import RAW

EVERY_S = 2.0


@app.task
async def keep_mirror() -> None:
    await mirror.run()


@app.task
async def observe_dependencies() -> None:
    while not app.should_stop:
        user_table.note_offsets()
        metrics.DEPENDENCY_UP.labels("redis").set(redis_link.up)
        metrics.DEPENDENCY_UP.labels("postgres").set(await history.answers())
        metrics.DEPENDENCY_UP.labels("model").set(model.scorer is not None)
        metrics.MIRRORED.set(mirror.copied)
        metrics.MIRROR_WAITING.set(mirror.waiting)
        for partition, lag in faust_compat.lag(app, RAW).items():
            metrics.LAG.labels(RAW, str(partition)).set(lag)
        await asyncio.sleep(EVERY_S)
