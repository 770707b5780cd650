"""The offline version of the signals that cross users, for training and replay. The live version is
in Redis (`tables/redis/cross_user_signals.py`).

Both use the same definitions: which users were first seen on a device, address or card within 7
days and before the event; and how many transactions a merchant got lately, compared with the day
before. One difference: the live system counts a merchant's transactions with HyperLogLog (Flajolet
et al., 2007; standard error 0.81 %), this module counts exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict

from ml.profile.event import Event, Signals
from ml.profile.windows import DAY_MS

FIRST_SEEN_SPAN_MS = 7 * DAY_MS
# Bounds the memory of one device, address or card.
MAX_USERS = 256
RATE_BUCKET_MS = 600_000
RATE_BUCKETS_PER_DAY = DAY_MS // RATE_BUCKET_MS
RATE_SPAN_BUCKETS = 2


def merchant_rate(recent: float, yesterday: float) -> float:
    """The transactions in the current and the last 10-minute bucket (`recent`), divided by the
    average of two buckets of the day before (`yesterday`: all of that day).

    A quiet merchant's average counts as 1; NaN when the day before had no transaction.
    """
    if yesterday <= 0:
        return math.nan
    usual = yesterday * RATE_SPAN_BUCKETS / RATE_BUCKETS_PER_DAY
    return recent / max(usual, 1.0)


class OfflineSignals:
    """Signals across users. Events must come in time order."""

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, int], dict[int, int]] = {}
        self._merchant: dict[tuple[int, int], int] = defaultdict(int)
        self._merchant_day: dict[tuple[int, int], int] = defaultdict(int)

    def observe(self, event: Event, user: int) -> Signals:
        """Count the event, then return the signals as of its time. `user`: hash of the user id."""
        now_ms, merchant = event.received_ms, event.merchant
        bucket, day = now_ms // RATE_BUCKET_MS, now_ms // DAY_MS
        self._merchant[merchant, bucket] += 1
        self._merchant_day[merchant, day] += 1
        last_bucket = self._merchant.get((merchant, bucket - 1), 0)
        yesterday = self._merchant_day.get((merchant, day - 1), 0)
        return Signals(
            self._users("device", event.device, user, now_ms),
            self._users("ip", event.ip, user, now_ms),
            self._users("card", event.card, user, now_ms),
            merchant_rate(self._merchant[merchant, bucket] + last_bucket, yesterday),
        )

    def _users(self, kind: str, hash_: int, user: int, now_ms: int) -> float:
        """Users first seen with this entity before now; NaN for a missing field (hash 0)."""
        if not hash_:
            return math.nan
        first_seen = self._first_seen.setdefault((kind, hash_), {})
        oldest_ms = now_ms - FIRST_SEEN_SPAN_MS
        for expired in [other for other, first_ms in first_seen.items() if first_ms <= oldest_ms]:
            del first_seen[expired]
        if user not in first_seen and len(first_seen) < MAX_USERS:
            first_seen[user] = now_ms
        return float(sum(first_ms < now_ms for first_ms in first_seen.values()))
