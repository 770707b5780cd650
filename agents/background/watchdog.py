"""Ends a worker that hangs although the broker answers, and logs where it hangs.

Kafka then delivers again whatever was not acknowledged.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from agents import scoring
from agents.background.standstill import STANDSTILL_S, Standstill
from fraud_app.app import app
from fraud_app.kafka import compat, crash
from fraud_app.resources import scoring_state
from fraud_app.supervision import supervised
from fraud_app.topics import RAW

LOOK_EVERY_S = 2.0
"""Short against `STANDSTILL_S`, so that a worker is ended soon after it."""


@partial(supervised, app)
async def end_at_standstill() -> None:
    """Watch the progress until the app stops. A rebalance does not count as a standstill."""
    standstill = Standstill(time.monotonic())
    while not app.should_stop:
        # A worker that stopped on purpose says so in health, and a new start would not help.
        expected = app.rebalancing or scoring_state.stopped
        waiting = {} if expected else compat.lag(app, RAW)
        seconds = standstill.seconds(waiting, scoring.acked_offsets, time.monotonic())
        if seconds > STANDSTILL_S and await compat.broker_responds(app, LOOK_EVERY_S):
            crash.log_tasks()
            crash.end_process(f"records wait and none was processed for {STANDSTILL_S:g} s")
        await asyncio.sleep(LOOK_EVERY_S)
