"""Where what lies in a profile: a head of 16 words, then windows, sets and the latest payments, one
behind the other.

The windows are parts 0 to 3, the sets 4 to 7. `known` gives all of it by names, for people.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from ml.profile import recent, windows
from ml.profile.event import CARD, COUNTRY, DEVICE, MERCHANT
from ml.profile.jit import WORD, Words, jit, uncompiled

# Bounds, chosen so that the largest encoded row stays under 4 KiB (tables/user_row.py checks it).
DEVICES, COUNTRIES, CARDS, MERCHANTS = 8, 6, 4, 12
HOUR_COUNT_MAX = 65_535

(
    FIRST_MS, LAST_MS, PAYMENTS, AMOUNT_MAX_CENTS, CATEGORY_MASK, LAST_LATITUDE, LAST_LONGITUDE, LAST_PLACE_MS, COUNTS, RECENT, HOURS,
) = range(11)  # fmt: skip
"""Places of the words of the head. Times are ms since 1970, -1 when there was none; `COUNTS` are a
byte each for the parts, `LATEST` says how many latest payments there are, and `HOURS` are six words
of four counts each."""
HOUR_WORDS = 6
HEAD = HOURS + HOUR_WORDS
SETS = (DEVICE, COUNTRY, CARD, MERCHANT)
"""What of an event each set remembers."""
SET_BOUNDS = (DEVICES, COUNTRIES, CARDS, MERCHANTS)
WINDOWS, PARTS = len(windows.WINDOWS), len(windows.WINDOWS) + len(SETS)
DEVICES_SEEN, COUNTRIES_SEEN, CARDS_SEEN, MERCHANTS_SEEN = range(WINDOWS, PARTS)
BOUNDS = (*windows.BUCKETS, *SET_BOUNDS)
"""Most entries of each part."""
WIDTHS = (windows.SIZE,) * WINDOWS + (1,) * len(SETS)
"""Words of an entry of each part."""
MAX_WORDS = (
    HEAD
    + windows.SIZE * (sum(windows.BUCKETS) + WINDOWS)
    + sum(SET_BOUNDS)
    + recent.SIZE * recent.MAX_RECENT
)
"""Words that an update may write: the largest profile, and a bucket more a window, should damage
have left one out of order.
"""
_HEAD = struct.Struct(f"<5q2dq{PARTS}Bq24H")

assert max(BOUNDS) <= 255  # noqa: S101 - the counts in the head are single bytes

EMPTY = _HEAD.pack(-1, -1, 0, 0, 0, math.nan, math.nan, -1, *[0] * PARTS, 0, *[0] * 24)
"""Of a user who was never seen."""


@jit
def count_of(words: Words, number: int) -> int:
    """How many entries a part has."""
    return words[COUNTS] >> 8 * number & 0xFF


@jit
def start_of(words: Words, number: int) -> int:
    """Where the entries of a part begin, or the latest payments, which follow the last."""
    at = HEAD
    for before in range(number):
        at += count_of(words, before) * WIDTHS[before]
    return at


@jit
def is_valid(words: Words) -> bool:
    """Whether no part has too many entries, and there are as many words as the head says: what is
    not looked at again.
    """
    if len(words) < HEAD or not 0 <= words[RECENT] <= recent.MAX_RECENT:
        return False
    for number in range(PARTS):
        if count_of(words, number) > BOUNDS[number]:
            return False
    return start_of(words, PARTS) + recent.SIZE * words[RECENT] == len(words)


@jit
def hour_count(words: Words, hour: int) -> int:
    """Payments at this hour of the day."""
    return words[HOURS + hour // 4] >> 16 * (hour % 4) & HOUR_COUNT_MAX


class ProfileView(NamedTuple):
    """A profile by names. Times are ms since 1970; -1 when there was none."""

    first_ms: int
    last_ms: int
    payments: int
    amount_max_cents: int
    category_mask: int
    latitude: float
    longitude: float
    place_ms: int
    hours: tuple[int, ...]
    """Payments by hour of the day, UTC."""
    sizes: tuple[int, ...]
    """Entries of each part."""
    latest: int
    words: Any
    """All of it as integers, which the functions of `windows`, `seen` and `latest` read."""

    def start(self, number: int) -> int:
        """Where the entries of a part begin."""
        return HEAD + sum(
            size * width for size, width in zip(self.sizes[:number], WIDTHS, strict=False)
        )

    def in_window(self, window: int, now_ms: int) -> tuple[int, int]:
        """Count and sum (cents) of a window that ends now."""
        return uncompiled(windows.in_window)(
            self.words, self.start(window), self.sizes[window], window, now_ms
        )


def view(profile: bytes) -> ProfileView:
    """Raises `struct.error` for bytes that are no profile."""
    first, last, payments, largest, mask, latitude, longitude, place_ms, *rest = _HEAD.unpack_from(
        profile
    )
    return ProfileView(
        first, last, payments, largest, mask, latitude, longitude, place_ms, tuple(rest[PARTS + 1 :]), tuple(rest[:PARTS]), rest[PARTS],
        struct.unpack(f"<{len(profile) // WORD}q", profile),
    )  # fmt: skip


def pack(
    head: tuple[int, int, int, int, int, float, float, int], hours: tuple[int, ...], sizes: tuple[int, ...], payments: int,
    words: Sequence[int],
) -> bytes:  # fmt: skip
    """A profile of its parts, for tables of older versions."""
    return _HEAD.pack(*head, *sizes, payments, *hours) + struct.pack(f"<{len(words)}Q", *words)
