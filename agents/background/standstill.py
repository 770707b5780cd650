"""Whether a worker gets on: records that wait while nothing is processed mean that something hangs.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

STANDSTILL_S = 30.0
"""Longer, and only a new start helps."""


class Standstill:
    """Fed with what waits and what is done, tells for how long nothing has moved."""

    def __init__(self, now: float) -> None:
        self._moved_at = now
        self._done: dict[int, int] = {}

    def seconds(self, waiting: Mapping[int, int], done: Mapping[int, int], now: float) -> float:
        """Seconds since a record was last processed, or since nothing waited.

        By partition: `waiting`, records behind; `done`, the last offset. `now`: a monotonic clock,
        in seconds.
        """
        if not any(waiting.values()) or self._done != done:
            self._moved_at, self._done = now, dict(done)
        return now - self._moved_at
