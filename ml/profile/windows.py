"""Sliding windows over a user's transactions.

Each window is made of buckets of equal length, packed in order of their slots. A slot is the start
of a bucket divided by its length. A bucket is two words:

    word 0   slot << 16 | count     count: transactions, 16 bits, at most 65,535
    word 1   sum of the amounts in euro cents
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
        """Most buckets that the window holds."""
        return self.span_ms // self.bucket_ms


WINDOWS = (
    Window("10m", 10 * MINUTE_MS, MINUTE_MS),
    Window("1h", HOUR_MS, 5 * MINUTE_MS),
    Window("24h", DAY_MS, HOUR_MS),
    Window("7d", 7 * DAY_MS, DAY_MS),
)
BUCKET_MS = tuple(window.bucket_ms for window in WINDOWS)
BUCKETS = tuple(window.buckets for window in WINDOWS)
BUCKET_WORDS = 2
_COUNT_BITS = 16
MAX_COUNT = 65_535
"""The largest count that fits its bits; it stays there."""


@jit
def in_window(buckets: Words, window: int, now_ms: int) -> tuple[int, int]:
    """Number of transactions and sum of amounts (cents) in the window that ends with the bucket of
    `now_ms`. `buckets`: the words of this window; `window`: its index in `WINDOWS`.
    """
    last_slot = now_ms // BUCKET_MS[window]
    expired_slot = last_slot - BUCKETS[window]
    transactions = cents = 0
    for index in range(0, len(buckets), BUCKET_WORDS):
        if expired_slot < buckets[index] >> _COUNT_BITS <= last_slot:
            transactions += buckets[index] & MAX_COUNT
            cents += buckets[index + 1]
    return transactions, cents


@jit
def _write_bucket(out: Words, to: int, slot: int, count: int, cents: int) -> int:
    """Write one bucket at index `to`; the index behind it."""
    out[to] = slot << _COUNT_BITS | count
    out[to + 1] = cents
    return to + BUCKET_WORDS


@jit
def add(buckets: Words, window: int, now_ms: int, newest_ms: int, cents: int, out: Words) -> int:
    """Write the window with one transaction more to `out`; the number of buckets written.

    `now_ms`: ingest time of the transaction, `newest_ms`: the newest ingest time of the user.
    Buckets that have left the window at `newest_ms` are dropped. A transaction that is itself older
    than the window changes nothing.
    """
    slot = now_ms // BUCKET_MS[window]
    expired_slot = newest_ms // BUCKET_MS[window] - BUCKETS[window]
    is_counted = is_too_old = slot <= expired_slot
    to = 0
    for index in range(0, len(buckets), BUCKET_WORDS):
        bucket_slot = buckets[index] >> _COUNT_BITS
        bucket_count, bucket_cents = buckets[index] & MAX_COUNT, buckets[index + 1]
        if bucket_slot <= expired_slot and not is_too_old:
            continue
        if not is_counted and bucket_slot >= slot:
            is_counted = True
            if bucket_slot == slot:
                count = min(bucket_count + 1, MAX_COUNT)
                to = _write_bucket(out, to, slot, count, bucket_cents + cents)
                continue
            to = _write_bucket(out, to, slot, 1, cents)
        to = _write_bucket(out, to, bucket_slot, bucket_count, bucket_cents)
    if not is_counted:
        to = _write_bucket(out, to, slot, 1, cents)
    return to // BUCKET_WORDS
