"""Beside storage: follows the challenger's alias, and measures how far traffic has moved from what the champion was trained on."""

from __future__ import annotations

import asyncio
import logging

from fraud_app.postgres import drift
from fraud_app.postgres.connection import UNAVAILABLE, connect
from fraud_app.sinks import challenger, config, storage
from ml.serving import registry
from ml.serving.model_loader import CHECK_ALIAS_S
from ml.serving.registry import ModelFiles, ModelRefused

log = logging.getLogger(__name__)

DRIFT_EVERY_S = 60.0


@storage.task
async def follow_challenger() -> None:
    while not storage.should_stop:
        await challenger.reload_if_moved()
        await asyncio.sleep(CHECK_ALIAS_S)


@storage.task
async def measure_drift() -> None:
    while not storage.should_stop:
        try:
            await _measure(await asyncio.to_thread(_champion))
        except (*UNAVAILABLE, ModelRefused) as error:
            log.warning("drift_not_measured", extra={"error": f"{type(error).__name__}: {error}"})
        await asyncio.sleep(DRIFT_EVERY_S)


def _champion() -> ModelFiles:
    """Its bins are all that is needed: nothing here scores with it."""
    store, name = config.model.dir, config.model.name
    return registry.read(store / name / registry.version_of(store, name, config.model.alias))


async def _measure(files: ModelFiles) -> None:
    model = registry.version_in(files.reference)
    async with connect(config.postgres) as connection:
        traffic = await drift.latest_traffic(connection, model)
        found = await asyncio.to_thread(drift.measure, files, traffic)
        if found:
            await drift.store(connection, model, found, len(traffic))
