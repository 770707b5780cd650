"""The offline twin of the shared signals in Redis (`tables/redis/cross_user_signals.py`), for
training and replay.

Same definitions: who was first seen on a device, address or card within 7 days and before the
event; and how many payments a merchant got lately against the day before. The live system counts a
merchant's payments with HyperLogLog (Flajolet et al., 2007; standard error 0.81 %), this one
exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict

from ml.profile.event import Event, Signals
from ml.profile.windows import DAY_MS

FIRST_SEEN_SPAN_MS = 7 * DAY_MS
MAX_USERS = 256
RATE_BUCKET_MS = 600_000
RATE_BUCKETS_PER_DAY = DAY_MS // RATE_BUCKET_MS
RATE_SPAN_BUCKETS = 2


def merchant_rate(recent: float, yesterday: float) -> float:
    """Payments in the current and the last 10-minute bucket over the average of two buckets of the
    day before.

    A quiet merchant's average counts as 1; NaN when there was no day before.
    """
    if yesterday <= 0:
        return math.nan
    return recent / max(yesterday * RATE_SPAN_BUCKETS / RATE_BUCKETS_PER_DAY, 1.0)


class OfflineSignals:
    """Signals across users, fed in time order."""

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, int], dict[int, int]] = {}
        self._merchant: dict[tuple[int, int], int] = defaultdict(int)
        self._merchant_day: dict[tuple[int, int], int] = defaultdict(int)

    def observe(self, event: Event, user: int) -> Signals:
        """Take the event in, then give the signals as of its time."""
        now = event.received_ms
        bucket, day = now // RATE_BUCKET_MS, now // DAY_MS
        self._merchant[event.merchant, bucket] += 1
        self._merchant_day[event.merchant, day] += 1
        recent = self._merchant[event.merchant, bucket] + self._merchant.get(
            (event.merchant, bucket - 1), 0
        )
        return Signals(
            self._users("device", event.device, user, now),
            self._users("ip", event.ip, user, now),
            self._users("card", event.card, user, now),
            merchant_rate(recent, self._merchant_day.get((event.merchant, day - 1), 0)),
        )

    def _users(self, kind: str, hash_: int, user: int, now: int) -> float:
        if not hash_:
            return math.nan
        seen = self._first_seen.setdefault((kind, hash_), {})
        oldest = now - FIRST_SEEN_SPAN_MS
        for other in [other for other, first in seen.items() if first <= oldest]:
            del seen[other]
        if user not in seen and len(seen) < MAX_USERS:
            seen[user] = now
        return float(sum(first < now for first in seen.values()))
