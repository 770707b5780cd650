"""Sliding windows over a user's payments, each made of equal buckets that are kept packed, in order of their slots.

A window is `bytes`, 14 a bucket: slot (start of the bucket divided by its length), payments, cents.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import NamedTuple

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
EMPTY = (b"",) * len(WINDOWS)
PAYMENTS_MAX = 65_535

_BUCKET = struct.Struct("<IHq")
SIZE = _BUCKET.size
_SLOT = struct.Struct("<I")
_ALL = tuple(struct.Struct("<" + "IHq" * count) for count in range(max(window.buckets for window in WINDOWS) + 1))


def add(packed: bytes, window: Window, now_ms: int, newest_ms: int, cents: int) -> bytes:
    """The window with one payment more and without the buckets that have left it at `newest_ms`.

    >>> once = add(b"", WINDOWS[0], 60_000, 60_000, 1250)
    >>> in_window(once, WINDOWS[0], 60_000)
    (1, 1250)
    """
    oldest, slot = newest_ms // window.bucket_ms - window.buckets, now_ms // window.bucket_ms
    if slot <= oldest:
        return packed
    start, end = 0, len(packed)
    while start < end and _SLOT.unpack_from(packed, start)[0] <= oldest:
        start += SIZE
    while end > start:
        last, payments, spent = _BUCKET.unpack_from(packed, end - SIZE)
        if last == slot:
            counted = _BUCKET.pack(slot, min(payments + 1, PAYMENTS_MAX), spent + cents)
            return packed[start : end - SIZE] + counted + packed[end:]
        if last < slot:
            break
        end -= SIZE
    return packed[start:end] + _BUCKET.pack(slot, 1, cents) + packed[end:]


def in_window(packed: bytes, window: Window, now_ms: int) -> tuple[int, int]:
    """Count and sum (cents) of the window that ends with the bucket of `now_ms`."""
    buckets = _ALL[len(packed) // SIZE].unpack(packed)
    slots, last = buckets[::3], now_ms // window.bucket_ms
    first, end = bisect_right(slots, last - window.buckets), bisect_right(slots, last)
    return sum(buckets[1::3][first:end]), sum(buckets[2::3][first:end])
