"""Copies changed rows to Redis."""

from __future__ import annotations

from fraud_app.app import app, mirror


@app.task
async def keep_mirror() -> None:
    await mirror.run()
