"""Beside storage: follows the aliases of the models, and measures how far traffic has moved from what the champion was trained on."""

from __future__ import annotations

import asyncio
import logging

from fraud_app.history import drift
from fraud_app.history.pool import AWAY, connected
from fraud_app.sinks import challenger, champion, config, storage
from ml.registry import ModelFiles
from tables.model_slot import LOOK_S

log = logging.getLogger(__name__)

DRIFT_EVERY_S = 60.0


@storage.task
async def follow_aliases() -> None:
    while not storage.should_stop:
        await champion.look()
        await challenger.look()
        await asyncio.sleep(LOOK_S)


@storage.task
async def measure_drift() -> None:
    while not storage.should_stop:
        if champion.files is not None:
            try:
                await _measure(champion.files)
            except AWAY as error:
                log.warning("drift_not_measured", extra={"error": f"{type(error).__name__}: {error}"})
        await asyncio.sleep(DRIFT_EVERY_S)


async def _measure(files: ModelFiles) -> None:
    model = f"{files.name}:{files.version}"
    async with connected(config.postgres) as connection:
        traffic = await drift.latest_traffic(connection, model)
        found = await asyncio.to_thread(drift.measure, files, traffic)
        if found:
            await drift.store(connection, model, found, len(traffic))
