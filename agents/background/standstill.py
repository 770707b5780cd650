"""Whether a worker makes progress: records that wait while none is processed mean that it hangs.

Pure: it gets the time and the counts, and only measures.
"""

from __future__ import annotations

from collections.abc import Mapping

STANDSTILL_S = 30.0
"""A worker that stands still for longer is ended; only a restart helps then."""


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
            self._progress_at, self._done = now, dict(done)
        return now - self._progress_at
