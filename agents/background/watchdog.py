"""Ends a worker that hangs while the broker answers, and says where it hung: what it had not
acknowledged comes again.
"""

from __future__ import annotations

import asyncio
import time

from agents import scoring
from agents.background.standstill import STANDSTILL_S, Standstill
from fraud_app.app import app
from fraud_app.kafka import compat, crash
from fraud_app.topics import RAW

LOOK_EVERY_S = 2.0


@app.task
async def end_at_standstill() -> None:
    standstill = Standstill(time.monotonic())
    while not app.should_stop:
        waiting = {} if app.rebalancing else compat.lag(app, RAW)
        seconds = standstill.seconds(waiting, scoring.acked_offsets, time.monotonic())
        if seconds > STANDSTILL_S and await compat.broker_responds(app, LOOK_EVERY_S):
            crash.log_tasks()
            crash.end_process(f"records wait and none was processed for {STANDSTILL_S:g} s")
        await asyncio.sleep(LOOK_EVERY_S)
