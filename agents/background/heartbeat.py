"""Sends this worker's heartbeat: that it runs, and how far behind it is."""

from __future__ import annotations

from functools import partial

from fraud_app.app import app
from fraud_app.heartbeats import send_heartbeats
from fraud_app.resources import redis_client
from fraud_app.supervision import supervised
from fraud_app.worker_state import own_heartbeat


@partial(supervised, app)
async def send_worker_heartbeats() -> None:
    """Send heartbeats until the app stops."""
    await send_heartbeats(app, redis_client, own_heartbeat)
