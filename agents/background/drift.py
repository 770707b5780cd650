"""Measures how far traffic has moved from the champion's training data. Runs beside storage."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from fraud_app.postgres import drift
from fraud_app.postgres.connection import UNAVAILABLE, connect, described
from fraud_app.resources import config
from fraud_app.sinks import storage
from fraud_app.supervision import supervised
from ml.serving import registry
from ml.serving.registry import ModelFiles, ModelRefused

log = logging.getLogger(__name__)

MEASURE_EVERY_S = 60.0
"""Drift shows over hours; a minute costs little."""


@partial(supervised, storage)
async def measure_drift() -> None:
    """Measure until the app stops; an outage or a refused model only skips a turn."""
    while not storage.should_stop:
        try:
            await _measure(await asyncio.to_thread(_champion_files))
        except (*UNAVAILABLE, ModelRefused) as error:
            log.warning("drift_not_measured", extra={"error": described(error)})
        await asyncio.sleep(MEASURE_EVERY_S)


def _champion_files() -> ModelFiles:
    """The champion's files. Only the bins are needed: nothing is scored with the model here."""
    return registry.read_alias(config.model.dir, config.model.name, config.model.alias)


async def _measure(files: ModelFiles) -> None:
    model = registry.name_and_version(files.reference)
    async with connect(config.postgres) as connection:
        traffic = await drift.latest_traffic(connection, model)
        measured = await asyncio.to_thread(drift.measure, files, traffic)
        if measured:
            await drift.store(connection, model, measured, len(traffic))
