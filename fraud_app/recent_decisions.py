"""What the latest decisions had to do without. A dependency may answer a ping and still be too slow
for every decision: health reads it here.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

WINDOW_S = 10
"""Seconds that are looked at: long enough for a share, short enough to be over with the outage."""


class RecentDecisions:
    """Counts decisions and what they were made without, by second."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seconds: deque[tuple[int, Counter[str]]] = deque()
        """The second, and its counts: all decisions under "", others under what they lacked."""

    def add(self, decisions: int, without: Iterable[str]) -> None:
        """Count decisions. `without`: a dependency's name for each decision made without it."""
        second = int(self._now())
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
            self._forget()
        counts = self._seconds[-1][1]
        counts[""] += decisions
        counts.update(without)

    def share_without(self, dependency: str) -> float:
        """Share of the decisions of the last seconds that were made without it, 0 to 1."""
        self._forget()
        decisions = sum(counts[""] for _, counts in self._seconds)
        without = sum(counts[dependency] for _, counts in self._seconds)
        return without / decisions if decisions else 0.0

    def _forget(self) -> None:
        while self._seconds and self._seconds[0][0] <= self._now() - WINDOW_S:
            self._seconds.popleft()
