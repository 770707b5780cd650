"""Copies changed rows to Redis, away from the hot path."""

from __future__ import annotations

from fraud_app.app import app, mirror


@app.task
async def keep_mirror() -> None:
    """Run the mirror until the app stops."""
    await mirror.run()
