"""Sliding windows over a user's payments, each made of equal buckets that are kept packed, in order
of their slots.

A bucket is two words: slot (start of the bucket divided by its length) and payments, and cents.
"""

from __future__ import annotations

from typing import NamedTuple

from ml.profile.jit import Words, jit

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


class Window(NamedTuple):
    """A sliding window; its edge moves by one bucket."""

    name: str
    span_ms: int
    bucket_ms: int

    @property
    def buckets(self) -> int:
        """The most that there are."""
        return self.span_ms // self.bucket_ms


WINDOWS = (
    Window("10m", 10 * MINUTE_MS, MINUTE_MS),
    Window("1h", HOUR_MS, 5 * MINUTE_MS),
    Window("24h", DAY_MS, HOUR_MS),
    Window("7d", 7 * DAY_MS, DAY_MS),
)
BUCKET_MS = tuple(window.bucket_ms for window in WINDOWS)
BUCKETS = tuple(window.buckets for window in WINDOWS)
SIZE = 2
"""Words of a bucket."""
PAYMENTS_MAX = 65_535
_SLOT = 16
"""Bits of the first word that count payments."""


@jit
def in_window(words: Words, at: int, buckets: int, window: int, now_ms: int) -> tuple[int, int]:
    """Count and sum (cents) of the window that ends with the bucket of `now_ms`. `at`: where its
    buckets begin.
    """
    last = now_ms // BUCKET_MS[window]
    payments = cents = 0
    for place in range(at, at + SIZE * buckets, SIZE):
        if last - BUCKETS[window] < words[place] >> _SLOT <= last:
            payments += words[place] & PAYMENTS_MAX
            cents += words[place + 1]
    return payments, cents


@jit
def add(
    words: Words,
    at: int,
    buckets: int,
    window: int,
    now_ms: int,
    newest_ms: int,
    cents: int,
    out: Words,
    to: int,
) -> int:
    """Write the window with one payment more and without the buckets that have left it at
    `newest_ms`; how many there are.
    """
    oldest, slot = newest_ms // BUCKET_MS[window] - BUCKETS[window], now_ms // BUCKET_MS[window]
    counted, first = slot <= oldest, to
    for place in range(at, at + SIZE * buckets, SIZE):
        here = words[place] >> _SLOT
        if here <= oldest and slot > oldest:
            continue
        if not counted and here >= slot:
            counted = True
            if here == slot:
                out[to] = here << _SLOT | min((words[place] & PAYMENTS_MAX) + 1, PAYMENTS_MAX)
                out[to + 1] = words[place + 1] + cents
                to += SIZE
                continue
            out[to], out[to + 1] = slot << _SLOT | 1, cents
            to += SIZE
        out[to], out[to + 1] = words[place], words[place + 1]
        to += SIZE
    if not counted:
        out[to], out[to + 1] = slot << _SLOT | 1, cents
        to += SIZE
    return (to - first) // SIZE
