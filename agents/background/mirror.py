"""Copies changed rows to Redis, away from the hot path."""

from __future__ import annotations

from functools import partial

from fraud_app.app import app, mirror
from fraud_app.supervision import supervised


@partial(supervised, app)
async def keep_mirror() -> None:
    """Run the mirror until the app stops."""
    await mirror.run()
