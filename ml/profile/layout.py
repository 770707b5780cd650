"""The layout of a user's profile: what each of its words means.

A profile is an array of 64-bit little-endian words: a head of 16 words, then eight parts (four
windows, four sets of known entities), then the recent transactions, with no gaps between. Nothing
may index into a profile before `is_valid` has accepted it. `view` gives the values by name, for
people.

    word    name               type        content
    0       FIRST_MS           int64       ingest time of the first transaction, ms; -1: none
    1       LAST_MS            int64       newest ingest time, ms; -1: none
    2       TRANSACTIONS       int64       transactions so far
    3       AMOUNT_MAX_CENTS   int64       largest amount, euro cents
    4       CATEGORY_MASK      int64       one bit for each category seen
    5       LAST_LATITUDE      float64     degrees of the last known place; NaN: none
    6       LAST_LONGITUDE     float64
    7       LAST_PLACE_MS      int64       ingest time of that place, ms; -1: none
    8       PART_SIZES         8 × uint8   number of entries of part 0 … 7
    9       RECENT_COUNT       int64       number of recent transactions
    10-15   HOURS              24 × uint16 transactions by hour of the day, UTC
    16...   part 0-3           windows 10m, 1h, 24h, 7d: 2 words a bucket (`windows`)
    ...     part 4-7           devices, countries, cards, merchants: 1 word each (`known_entities`)
    ...     recent             5 words a transaction, oldest first (`recent`)
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
MAX_HOUR_COUNT = 65_535
"""The largest count that fits in 16 bits."""

(
    FIRST_MS,
    LAST_MS,
    TRANSACTIONS,
    AMOUNT_MAX_CENTS,
    CATEGORY_MASK,
    LAST_LATITUDE,
    LAST_LONGITUDE,
    LAST_PLACE_MS,
    PART_SIZES,
    RECENT_COUNT,
    HOURS,
) = range(11)
"""Index of each word of the head, as in the table above."""
HOUR_WORDS = 6
"""Four counts a word, 24 in all."""
HEAD_WORDS = HOURS + HOUR_WORDS
SET_FIELDS = (DEVICE, COUNTRY, CARD, MERCHANT)
"""The field of an event that each set remembers."""
SET_BOUNDS = (DEVICES, COUNTRIES, CARDS, MERCHANTS)
WINDOW_COUNT = len(windows.WINDOWS)
PART_COUNT = WINDOW_COUNT + len(SET_FIELDS)
DEVICES_SEEN, COUNTRIES_SEEN, CARDS_SEEN, MERCHANTS_SEEN = range(WINDOW_COUNT, PART_COUNT)
MAX_ENTRIES = (*windows.BUCKETS, *SET_BOUNDS)
"""Most entries of each part."""
ENTRY_WORDS = (windows.BUCKET_WORDS,) * WINDOW_COUNT + (1,) * len(SET_FIELDS)
"""Words of one entry of each part."""
MAX_WORDS = (
    HEAD_WORDS
    + windows.BUCKET_WORDS * (sum(windows.BUCKETS) + WINDOW_COUNT)
    + sum(SET_BOUNDS)
    + recent.TRANSACTION_WORDS * recent.MAX_RECENT
)
"""Words that an update may write: the largest profile, and one bucket more for each window, in case
damaged bytes have a bucket out of order.
"""
_HEAD = struct.Struct(f"<5q2dq{PART_COUNT}Bq24H")

assert max(MAX_ENTRIES) <= 255  # noqa: S101 - the sizes in the head are single bytes

EMPTY = _HEAD.pack(-1, -1, 0, 0, 0, math.nan, math.nan, -1, *[0] * PART_COUNT, 0, *[0] * 24)
"""The profile of a user who was never seen."""


@jit
def part_size(words: Words, part: int) -> int:
    """Number of entries of a part."""
    return words[PART_SIZES] >> 8 * part & 0xFF


@jit
def part_start(words: Words, part: int) -> int:
    """Index of the first word of a part; for `PART_COUNT`, of the recent transactions."""
    start = HEAD_WORDS
    for earlier in range(part):
        start += part_size(words, earlier) * ENTRY_WORDS[earlier]
    return start


@jit
def part_of(words: Words, part: int) -> Words:
    """The words of a part; a view, not a copy."""
    start = part_start(words, part)
    return words[start : start + part_size(words, part) * ENTRY_WORDS[part]]


@jit
def recent_of(words: Words) -> Words:
    """The words of the recent transactions; a view, not a copy."""
    return words[part_start(words, PART_COUNT) :]


@jit
def is_valid(words: Words) -> bool:
    """Whether no part has too many entries and the number of words is what the head says.

    Compiled code makes no other check of a profile's bounds.
    """
    if len(words) < HEAD_WORDS or not 0 <= words[RECENT_COUNT] <= recent.MAX_RECENT:
        return False
    for part in range(PART_COUNT):
        if part_size(words, part) > MAX_ENTRIES[part]:
            return False
    recent_words = recent.TRANSACTION_WORDS * words[RECENT_COUNT]
    return part_start(words, PART_COUNT) + recent_words == len(words)


@jit
def hour_count(words: Words, hour: int) -> int:
    """Number of transactions at this hour of the day (0 to 23, UTC)."""
    return words[HOURS + hour // 4] >> 16 * (hour % 4) & MAX_HOUR_COUNT


class ProfileView(NamedTuple):
    """A profile by name. Times are ms since 1970; -1 when there was none."""

    first_ms: int
    last_ms: int
    payments: int
    """Number of transactions so far."""
    amount_max_cents: int
    category_mask: int
    latitude: float
    longitude: float
    place_ms: int
    hours: tuple[int, ...]
    """Transactions by hour of the day, UTC."""
    sizes: tuple[int, ...]
    """Number of entries of each part."""
    latest: int
    """Number of recent transactions."""
    words: Any
    """The whole profile as integers; the functions of `windows` and `known_entities` read them."""

    def part(self, number: int) -> Any:
        """The words of a part."""
        start = HEAD_WORDS + sum(
            size * width for size, width in zip(self.sizes[:number], ENTRY_WORDS, strict=False)
        )
        return self.words[start : start + self.sizes[number] * ENTRY_WORDS[number]]

    def in_window(self, window: int, now_ms: int) -> tuple[int, int]:
        """Number of transactions and sum of amounts (cents) of a window that ends at `now_ms`."""
        return uncompiled(windows.in_window)(self.part(window), window, now_ms)


def view(profile: bytes) -> ProfileView:
    """The profile by name. Raises `struct.error` for bytes that are no profile."""
    head = _HEAD.unpack_from(profile)
    first_ms, last_ms, transactions, max_cents, mask, latitude, longitude, place_ms, *rest = head
    sizes, recent_count, hours = rest[:PART_COUNT], rest[PART_COUNT], rest[PART_COUNT + 1 :]
    return ProfileView(
        first_ms=first_ms,
        last_ms=last_ms,
        payments=transactions,
        amount_max_cents=max_cents,
        category_mask=mask,
        latitude=latitude,
        longitude=longitude,
        place_ms=place_ms,
        hours=tuple(hours),
        sizes=tuple(sizes),
        latest=recent_count,
        words=struct.unpack(f"<{len(profile) // WORD}q", profile),
    )


def pack(
    head: tuple[int, int, int, int, int, float, float, int],
    hours: tuple[int, ...],
    sizes: tuple[int, ...],
    recent_count: int,
    words: Sequence[int],
) -> bytes:
    """A profile from its values: words 0 to 7 of the head, 24 hours, 8 part sizes, and the words
    behind the head. For rows that an older version stored.
    """
    return _HEAD.pack(*head, *sizes, recent_count, *hours) + struct.pack(f"<{len(words)}Q", *words)
