"""Ends a process whose application hangs although the broker answers, and logs where it hangs.

Kafka then delivers again whatever was not acknowledged. Three things count: records that wait while
none is processed, a rebalance that does not end, and a group that the application is no member of.
While one lasts, health and the operations page say it. Time without a broker does not count.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError
from faust.exceptions import NotReady

from agents.background.standstill import (
    ASLEEP_S,
    REBALANCE_S,
    SAY_AFTER_S,
    STANDSTILL_S,
    Absence,
    Standstill,
)
from fraud_app.kafka import compat, crash, group
from fraud_app.supervision import standing_still

LOOK_EVERY_S = 2.0
"""Short against `STANDSTILL_S`, so that a process is ended soon after it."""


class Watched(NamedTuple):
    """What is watched of an application."""

    part: str
    """Its name: a role (scoring, storage, feed) and, where a role has several, which of them."""
    app: Any
    topic: str
    """The topic that it reads."""
    done: Callable[[], Mapping[int, int]]
    """By partition, the last offset that was processed."""
    held: Callable[[], bool]
    """Whether it waits for something that a new start would not help, and that is said elsewhere.
    """


class _Progress:
    """The measurements of one application."""

    def __init__(self, now: float) -> None:
        self._looked_at = now
        self._records, self._rebalance, self._group = Standstill(now), Standstill(now), Absence(now)

    def pass_over(self, now: float) -> None:
        self._looked_at = now
        for measured in (self._records, self._rebalance, self._group):
            measured.pass_over(now)

    def faults(
        self, watched: Watched, now: float, *, member: bool
    ) -> list[tuple[str, float, float]]:
        """What may be wrong in words, for how many seconds, and how many end the process."""
        if now - self._looked_at > ASLEEP_S:
            self.pass_over(now)
        self._looked_at = now
        app = watched.app
        waiting = {} if app.rebalancing else compat.lag(app, watched.topic)
        moving = {0: 1} if app.rebalancing else {}
        return [
            (
                "records wait and none was processed",
                self._records.seconds(waiting, watched.done(), now),
                STANDSTILL_S,
            ),
            (
                "its partitions are still being assigned",
                self._rebalance.seconds(moving, {0: compat.to_recover(app)}, now),
                REBALANCE_S,
            ),
            (
                "it is no member of its consumer group",
                self._group.seconds(now, member=member),
                STANDSTILL_S,
            ),
        ]


async def end_at_standstill(watched: Watched) -> None:
    """Watch an application until it stops."""
    progress = _Progress(time.monotonic())
    try:
        while not watched.app.should_stop:
            await asyncio.sleep(LOOK_EVERY_S)
            member = await _member(watched.app)
            now = time.monotonic()
            if member is None or watched.held():
                progress.pass_over(now)
                standing_still.pop(watched.part, None)
            else:
                _act(watched, progress.faults(watched, now, member=member))
    finally:
        standing_still.pop(watched.part, None)


def _act(watched: Watched, faults: list[tuple[str, float, float]]) -> None:
    """Say what lasts too long, and end the process when it lasts much too long."""
    said = [f"{text} for {seconds:.0f} s" for text, seconds, _ in faults if seconds > SAY_AFTER_S]
    if said:
        standing_still[watched.part] = "; ".join(said)
    else:
        standing_still.pop(watched.part, None)
    for text, seconds, limit in faults:
        if seconds > limit:
            crash.log_tasks()
            crash.end_process(f"{watched.part}: {text} for {limit:g} s")


async def _member(app: Any) -> bool | None:
    """Whether it is a member of its group; None when no broker says so."""
    try:
        return await group.is_member(app)
    except (KafkaError, NotReady, TimeoutError):
        return None
