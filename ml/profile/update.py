"""What is remembered of one user, and how one transaction changes it.

`update(profile, event)` is the only way a profile changes: in the agent, in training and in every
test. A profile is bytes, in memory as on disk (`packed`). All parts are bounded, so a row cannot
grow with a user's speed. Windows run on ingest time; an event that comes late goes to the bucket of
its own time, and one older than the longest window changes no window.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from ml.profile import known_entities, recent, windows
from ml.profile.event import (
    AMOUNT_CENTS,
    CATEGORY,
    EVENT_WORDS,
    ID_HASH,
    LATITUDE,
    LONGITUDE,
    OCCURRED_MS,
    RECEIVED_MS,
    Event,
    words_of,
)
from ml.profile.jit import LOW, NUMBER, PACKED, WORD, WRITTEN, Scratch, Words, array, jit, kernel
from ml.profile.layout import (
    AMOUNT_MAX_CENTS,
    CATEGORY_MASK,
    COUNTS,
    EMPTY,
    FIRST_MS,
    HEAD,
    HOUR_COUNT_MAX,
    HOUR_WORDS,
    HOURS,
    LAST_LATITUDE,
    LAST_LONGITUDE,
    LAST_MS,
    LAST_PLACE_MS,
    MAX_WORDS,
    PARTS,
    PAYMENTS,
    RECENT,
    SET_BOUNDS,
    SETS,
    WINDOWS,
    count_of,
    hour_count,
    is_valid,
    start_of,
)
from ml.profile.windows import HOUR_MS

__all__ = ["EMPTY", "INVALID", "Profile", "age_of", "body_hash_and_time", "checked", "update"]

Profile = bytes
INVALID = -1
_PAYMENT = struct.Struct(f"<{recent.SIZE}Q")


@jit
def _move(words: Words, event: Words, out: Words) -> None:
    """Where the user was last."""
    place = event.view(np.float64)
    known = (
        not math.isnan(place[LATITUDE])
        and not math.isnan(place[LONGITUDE])
        and event[RECEIVED_MS] >= words[LAST_PLACE_MS]
    )
    out[LAST_LATITUDE] = event[LATITUDE] if known else words[LAST_LATITUDE]
    out[LAST_LONGITUDE] = event[LONGITUDE] if known else words[LAST_LONGITUDE]
    out[LAST_PLACE_MS] = event[RECEIVED_MS] if known else words[LAST_PLACE_MS]


@jit
def _count_hour(words: Words, hour: int, out: Words) -> None:
    full = hour_count(words, hour) >= HOUR_COUNT_MAX
    for place in range(HOURS, HOURS + HOUR_WORDS):
        # Halve all when one is full, so that the shares stay; the mask keeps each count's last bit
        # out of its neighbour.
        out[place] = words[place] >> 1 & 0x7FFF7FFF7FFF7FFF if full else words[place]
    out[HOURS + hour // 4] += 1 << 16 * (hour % 4)


@kernel(PACKED, NUMBER, PACKED, WRITTEN)
def _update(profile: Any, size: int, event: Any, out: Any) -> int:
    words, event, out = array(profile, size), array(event, EVENT_WORDS), array(out, MAX_WORDS)
    if not is_valid(words):
        return INVALID
    now = event[RECEIVED_MS]
    out[FIRST_MS] = now if words[FIRST_MS] < 0 else min(words[FIRST_MS], now)
    out[LAST_MS] = max(words[LAST_MS], now)
    out[PAYMENTS] = words[PAYMENTS] + 1
    out[AMOUNT_MAX_CENTS] = max(words[AMOUNT_MAX_CENTS], event[AMOUNT_CENTS])
    out[CATEGORY_MASK] = words[CATEGORY_MASK] | 1 << event[CATEGORY]
    _move(words, event, out)
    _count_hour(words, event[OCCURRED_MS] // HOUR_MS % 24, out)
    at = to = HEAD
    counts, seconds = 0, min(max(now // 1000, 0), LOW)  # a back-fill may have any year
    for number in range(WINDOWS):
        buckets = count_of(words, number)
        kept = windows.add(
            words, at, buckets, number, now, out[LAST_MS], event[AMOUNT_CENTS], out, to
        )
        at, to, counts = (
            at + windows.SIZE * buckets,
            to + windows.SIZE * kept,
            counts | kept << 8 * number,
        )
    for number in range(WINDOWS, PARTS):
        entries, place = count_of(words, number), number - WINDOWS
        kept = known_entities.add(
            words, at, entries, event[SETS[place]], seconds, SET_BOUNDS[place], out, to
        )
        at, to, counts = at + entries, to + kept, counts | kept << 8 * number
    out[COUNTS] = counts
    kept = recent.add(words, at, words[RECENT], event, out, to)
    out[RECENT] = kept
    return to + recent.SIZE * kept


@kernel(PACKED, NUMBER, PACKED)
def _age_of(profile: Any, size: int, event: Any) -> int:
    words = array(profile, size)
    if not is_valid(words):
        return INVALID
    sought: int = array(event, EVENT_WORDS)[ID_HASH]
    return recent.age_of(words, start_of(words, PARTS), words[RECENT], sought)


_SCRATCH = Scratch(MAX_WORDS)


def update(profile: Profile, event: Event) -> Profile:
    """The profile after the event. The event must not have been counted before: see
    `tables.user_row`. Raises `ValueError` for bytes that are no profile.

    >>> from ml.profile.event import Event
    >>> from ml.profile.layout import known
    >>> event = Event(1, 1, 60_000, 60_000, 0.0, 1250, 7, 8, 9, 6, 0, 0, 0, 52.5, 13.4, False)
    >>> once = known(update(EMPTY, event))
    >>> once.payments, once.amount_max_cents, once.latest
    (1, 1250, 1)
    """
    return _SCRATCH.read(
        checked(_update(profile, len(profile) // WORD, words_of(event), _SCRATCH.address))
    )


def age_of(profile: Profile, event: Event) -> int:
    """How many payments ago the id of this event came, 1 for the last; 0 when it is not among the
    latest.
    """
    return checked(_age_of(profile, len(profile) // WORD, words_of(event)))


def body_hash_and_time(profile: Profile, age: int) -> tuple[int, int]:
    """Body hash of a payment and when it was received (ms); `age` is 1 for the last."""
    payment = _PAYMENT.unpack_from(profile, len(profile) - age * recent.SIZE * WORD)
    return payment[recent.BODY_AND_MERCHANT] >> 32, payment[recent.RECEIVED]


def checked(answer: int) -> int:
    """What a compiled function returned. Raises `ValueError` when it found no profile."""
    if answer == INVALID:
        raise ValueError("these bytes are no profile of a user: rebuild the table")
    return answer
