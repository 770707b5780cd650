"""Ends a worker that hangs although the broker answers; see `progress`."""

from __future__ import annotations

from functools import partial

from agents import scoring
from agents.background.progress import Watched, end_at_standstill
from fraud_app.app import app
from fraud_app.resources import scoring_state
from fraud_app.supervision import supervised
from fraud_app.topics import RAW


@partial(supervised, app)
async def watch_scoring() -> None:
    """Watch scoring until the app stops."""
    await end_at_standstill(
        Watched(
            "scoring",
            app,
            RAW,
            lambda: scoring.acked_offsets,
            # It says so in health, and goes on by itself.
            lambda: bool(scoring_state.reason),
        )
    )
