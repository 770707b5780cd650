"""Loads the champion again when its alias moves.

The new version is loaded beside the running one and decides from the next batch on.
"""

from __future__ import annotations

import asyncio
from functools import partial

from fraud_app import metrics
from fraud_app.app import app
from fraud_app.resources import champion
from fraud_app.supervision import supervised
from ml.serving.model_loader import CHECK_ALIAS_S


@partial(supervised, app)
async def follow_champion() -> None:
    """Check the alias again and again until the app stops."""
    while not app.should_stop:
        await champion.reload_if_moved()
        version = champion.scorer.reference if champion.scorer else "none"
        metrics.MODEL.info({"version": version, "alias": champion.alias})
        await asyncio.sleep(CHECK_ALIAS_S)
