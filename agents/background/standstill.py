"""Whether an application makes progress, and whether it is in its group. Pure: it gets the time and
what was seen, and only measures.
"""

from __future__ import annotations

from collections.abc import Mapping

STANDSTILL_S = 30.0
"""A process that stands still for longer is ended; only a restart helps then."""
REBALANCE_S = 180.0
"""The same for a rebalance that does not come nearer to its end. It may have to wait for another
process that is slow to stop or to start."""
SAY_AFTER_S = 10.0
"""A standstill of so long is said in health. A full batch takes less."""
ASLEEP_S = 10.0
"""Longest time between two looks of a process that runs; one that was frozen knows nothing of the
time between."""


class Standstill:
    """Measures for how long no record was processed although records waited."""

    def __init__(self, now: float) -> None:
        self._progress_at = now
        self._done: dict[int, int] = {}

    def seconds(self, waiting: Mapping[int, int], done: Mapping[int, int], now: float) -> float:
        """Seconds since a record was last processed, or since nothing waited.

        By partition: `waiting`, the number of waiting records; `done`, the last processed offset.
        `now`: seconds of a monotonic clock.
        """
        if not any(waiting.values()) or self._done != done:
            self._done = dict(done)
            self.pass_over(now)
        return now - self._progress_at

    def pass_over(self, now: float) -> None:
        """The time until now does not count: nothing could be processed."""
        self._progress_at = now


class Absence:
    """Measures for how long an application was not in its group."""

    def __init__(self, now: float) -> None:
        self._seen_at = now

    def seconds(self, now: float, *, member: bool) -> float:
        """Seconds since it was last seen in its group."""
        if member:
            self.pass_over(now)
        return now - self._seen_at

    def pass_over(self, now: float) -> None:
        """The time until now does not count: nobody could say who is in the group."""
        self._seen_at = now
