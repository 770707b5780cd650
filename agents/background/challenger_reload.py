"""Loads the challenger again when its alias moves. Runs beside storage, which scores with it."""

from __future__ import annotations

import asyncio
from functools import partial

from fraud_app.resources import challenger
from fraud_app.sinks import storage
from fraud_app.supervision import supervised
from ml.serving.model_loader import CHECK_ALIAS_S


@partial(supervised, storage)
async def follow_challenger() -> None:
    """Check the alias again and again until the app stops."""
    while not storage.should_stop:
        await challenger.reload_if_moved()
        await asyncio.sleep(CHECK_ALIAS_S)
