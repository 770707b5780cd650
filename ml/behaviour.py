"""What is remembered of one user, and how one transaction changes it.

`update(behaviour, event)` is the only way a behaviour changes: in the agent, in training and in every test. A behaviour is bytes, in
memory as on disk (`packed`). All parts are bounded, so a row cannot grow with a user's speed.
Windows run on ingest time; an event that comes late goes to the bucket of its own time, and one older than the longest window changes
no window.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from ml import latest, seen, windows
from ml.compiled import LOW, NUMBER, PACKED, WORD, WRITTEN, Scratch, Words, array, kernel, part
from ml.event import (
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
from ml.packed import (
    AMOUNT_MAX_CENTS,
    CATEGORY_MASK,
    COUNTS,
    EMPTY,
    FIRST_MS,
    HEAD,
    HERE_LATITUDE,
    HERE_LONGITUDE,
    HOUR_COUNT_MAX,
    HOUR_WORDS,
    HOURS,
    LAST_MS,
    LATEST,
    MOST,
    PARTS,
    PAYMENTS,
    PLACE_MS,
    SET_BOUNDS,
    SETS,
    WINDOWS,
    count_of,
    hour_count,
    is_sound,
    start_of,
)
from ml.windows import HOUR_MS

__all__ = ["EMPTY", "UNSOUND", "Behaviour", "age_of", "body_and_time", "checked", "update"]

Behaviour = bytes
UNSOUND = -1
_PAYMENT = struct.Struct(f"<{latest.SIZE}Q")


@part
def _move(words: Words, event: Words, out: Words) -> None:
    """Where the user was last."""
    place = event.view(np.float64)
    known = (
        not math.isnan(place[LATITUDE]) and not math.isnan(place[LONGITUDE]) and event[RECEIVED_MS] >= words[PLACE_MS]
    )
    out[HERE_LATITUDE] = event[LATITUDE] if known else words[HERE_LATITUDE]
    out[HERE_LONGITUDE] = event[LONGITUDE] if known else words[HERE_LONGITUDE]
    out[PLACE_MS] = event[RECEIVED_MS] if known else words[PLACE_MS]


@part
def _count_hour(words: Words, hour: int, out: Words) -> None:
    full = hour_count(words, hour) >= HOUR_COUNT_MAX
    for place in range(HOURS, HOURS + HOUR_WORDS):
        # Halve all when one is full, so that the shares stay; the mask keeps each count's last bit out of its neighbour.
        out[place] = words[place] >> 1 & 0x7FFF7FFF7FFF7FFF if full else words[place]
    out[HOURS + hour // 4] += 1 << 16 * (hour % 4)


@kernel(PACKED, NUMBER, PACKED, WRITTEN)
def _update(behaviour: Any, size: int, event: Any, out: Any) -> int:
    words, event, out = array(behaviour, size), array(event, EVENT_WORDS), array(out, MOST)
    if not is_sound(words):
        return UNSOUND
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
        kept = windows.add(words, at, buckets, number, now, out[LAST_MS], event[AMOUNT_CENTS], out, to)
        at, to, counts = at + windows.SIZE * buckets, to + windows.SIZE * kept, counts | kept << 8 * number
    for number in range(WINDOWS, PARTS):
        entries, place = count_of(words, number), number - WINDOWS
        kept = seen.see(words, at, entries, event[SETS[place]], seconds, SET_BOUNDS[place], out, to)
        at, to, counts = at + entries, to + kept, counts | kept << 8 * number
    out[COUNTS] = counts
    kept = latest.add(words, at, words[LATEST], event, out, to)
    out[LATEST] = kept
    return to + latest.SIZE * kept


@kernel(PACKED, NUMBER, PACKED)
def _age_of(behaviour: Any, size: int, event: Any) -> int:
    words = array(behaviour, size)
    if not is_sound(words):
        return UNSOUND
    sought: int = array(event, EVENT_WORDS)[ID_HASH]
    return latest.age_of(words, start_of(words, PARTS), words[LATEST], sought)


_SCRATCH = Scratch(MOST)


def update(behaviour: Behaviour, event: Event) -> Behaviour:
    """The behaviour after the event. The event must not have been counted before: see `tables.user_row`. Raises `ValueError` for
    bytes that are no behaviour.

    >>> from ml.event import Event
    >>> from ml.packed import known
    >>> event = Event(1, 1, 60_000, 60_000, 0.0, 1250, 7, 8, 9, 6, 0, 0, 0, 52.5, 13.4, False)
    >>> once = known(update(EMPTY, event))
    >>> once.payments, once.amount_max_cents, once.latest
    (1, 1250, 1)
    """
    return _SCRATCH.read(checked(_update(behaviour, len(behaviour) // WORD, words_of(event), _SCRATCH.address)))


def age_of(behaviour: Behaviour, event: Event) -> int:
    """How many payments ago the id of this event came, 1 for the last; 0 when it is not among the latest."""
    return checked(_age_of(behaviour, len(behaviour) // WORD, words_of(event)))


def body_and_time(behaviour: Behaviour, age: int) -> tuple[int, int]:
    """Body hash of a payment and when it was received (ms); `age` is 1 for the last."""
    payment = _PAYMENT.unpack_from(behaviour, len(behaviour) - age * latest.SIZE * WORD)
    return payment[latest.BODY_AND_MERCHANT] >> 32, payment[latest.RECEIVED]


def checked(answer: int) -> int:
    """What a compiled function returned. Raises `ValueError` when it found no behaviour."""
    if answer == UNSOUND:
        raise ValueError("these bytes are no behaviour of a user: rebuild the table")
    return answer
