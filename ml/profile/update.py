"""How one transaction changes a user's profile.

`update(profile, event)` is the only way in which a profile changes: in the agent, in training and
in every test. A profile is bytes, in memory as on disk (`layout`). All its parts are bounded, so a
row cannot grow with the number of transactions. Windows use ingest time: a late event goes to the
bucket of its own time, and an event older than the longest window changes no window. An event must
never be counted twice: the caller checks that first.
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
    pack_event,
)
from ml.profile.jit import (
    INTEGER,
    LOW,
    READ_WORDS,
    WORD,
    WRITE_WORDS,
    Scratch,
    Words,
    array,
    jit,
    kernel,
)
from ml.profile.layout import (
    AMOUNT_MAX_CENTS,
    CATEGORY_MASK,
    EMPTY,
    FIRST_MS,
    HEAD_WORDS,
    HOUR_WORDS,
    HOURS,
    LAST_LATITUDE,
    LAST_LONGITUDE,
    LAST_MS,
    LAST_PLACE_MS,
    MAX_HOUR_COUNT,
    MAX_WORDS,
    PART_COUNT,
    PART_SIZES,
    RECENT_COUNT,
    SET_BOUNDS,
    SET_FIELDS,
    TRANSACTIONS,
    WINDOW_COUNT,
    hour_count,
    is_valid,
    part_size,
    recent_of,
)
from ml.profile.windows import HOUR_MS

__all__ = ["EMPTY", "INVALID", "Profile", "age_of", "body_hash_and_time", "checked", "update"]

Profile = bytes
INVALID = -1
"""What a compiled function returns for bytes that are no profile."""
_WORD = struct.Struct("<Q")
_TRANSACTION = struct.Struct(f"<{recent.TRANSACTION_WORDS}Q")
# A shift by one bit moves the lowest bit of each 16-bit count into its neighbour; this clears it.
_HALVED_COUNTS = 0x7FFF7FFF7FFF7FFF


@jit
def _write_last_place(words: Words, event: Words, out: Words) -> None:
    """The place of the event when it has one and is not older than the last place."""
    event_floats = event.view(np.float64)
    is_newer = (
        not math.isnan(event_floats[LATITUDE])
        and not math.isnan(event_floats[LONGITUDE])
        and event[RECEIVED_MS] >= words[LAST_PLACE_MS]
    )
    out[LAST_LATITUDE] = event[LATITUDE] if is_newer else words[LAST_LATITUDE]
    out[LAST_LONGITUDE] = event[LONGITUDE] if is_newer else words[LAST_LONGITUDE]
    out[LAST_PLACE_MS] = event[RECEIVED_MS] if is_newer else words[LAST_PLACE_MS]


@jit
def _write_hours(words: Words, hour: int, out: Words) -> None:
    """The counts by hour with one more at `hour`. When that count is full, all are halved, so that
    the shares stay.
    """
    is_full = hour_count(words, hour) >= MAX_HOUR_COUNT
    for index in range(HOURS, HOURS + HOUR_WORDS):
        out[index] = words[index] >> 1 & _HALVED_COUNTS if is_full else words[index]
    out[HOURS + hour // 4] += 1 << 16 * (hour % 4)


@jit
def _write_head(words: Words, event: Words, out: Words) -> None:
    """The head, without the sizes of the parts and the number of recent transactions."""
    now_ms = event[RECEIVED_MS]
    out[FIRST_MS] = now_ms if words[FIRST_MS] < 0 else min(words[FIRST_MS], now_ms)
    out[LAST_MS] = max(words[LAST_MS], now_ms)
    out[TRANSACTIONS] = words[TRANSACTIONS] + 1
    out[AMOUNT_MAX_CENTS] = max(words[AMOUNT_MAX_CENTS], event[AMOUNT_CENTS])
    out[CATEGORY_MASK] = words[CATEGORY_MASK] | 1 << event[CATEGORY]
    _write_last_place(words, event, out)
    _write_hours(words, event[OCCURRED_MS] // HOUR_MS % 24, out)


@jit
def _write_parts(words: Words, event: Words, out: Words) -> tuple[int, int]:
    """The windows and sets, and their sizes in the head: the index behind the last one in `words`
    and in `out`. Needs `LAST_MS` of the new head.
    """
    now_ms, newest_ms = event[RECEIVED_MS], out[LAST_MS]
    cents = max(event[AMOUNT_CENTS], 0)  # a missing amount is counted and changes no sum
    now_s = min(max(now_ms // 1000, 0), LOW)  # a back-fill may have any year
    start = to = HEAD_WORDS
    sizes = 0
    for part in range(WINDOW_COUNT):
        end = start + windows.BUCKET_WORDS * part_size(words, part)
        buckets = words[start:end]
        size = windows.add(buckets, part, now_ms, newest_ms, cents, out[to:])
        start, to = end, to + windows.BUCKET_WORDS * size
        sizes |= size << 8 * part
    for part in range(WINDOW_COUNT, PART_COUNT):
        end, set_index = start + part_size(words, part), part - WINDOW_COUNT
        entries, hash_ = words[start:end], event[SET_FIELDS[set_index]]
        size = known_entities.add(entries, hash_, now_s, SET_BOUNDS[set_index], out[to:])
        start, to = end, to + size
        sizes |= size << 8 * part
    out[PART_SIZES] = sizes
    return start, to


@kernel(READ_WORDS, INTEGER, READ_WORDS, WRITE_WORDS)
def _update(profile: Any, size: int, event: Any, out: Any) -> int:
    """Write the profile after the event to `out`; its number of words, or `INVALID`."""
    words, event, out = array(profile, size), array(event, EVENT_WORDS), array(out, MAX_WORDS)
    if not is_valid(words):
        return INVALID
    _write_head(words, event, out)
    start, to = _write_parts(words, event, out)
    recent_count = recent.add(words[start:], event, out[to:])
    out[RECENT_COUNT] = recent_count
    return to + recent.TRANSACTION_WORDS * recent_count


@kernel(READ_WORDS, INTEGER, READ_WORDS)
def _age_of(profile: Any, size: int, event: Any) -> int:
    words = array(profile, size)
    if not is_valid(words):
        return INVALID
    id_hash: int = array(event, EVENT_WORDS)[ID_HASH]
    return recent.age_of(recent_of(words), id_hash)


_SCRATCH = Scratch(MAX_WORDS)


def update(profile: Profile, event: Event) -> Profile:
    """The profile after the event. The event must not have been counted before: see
    `tables.user_row`. Raises `ValueError` for bytes that are no profile.

    >>> from ml.profile.event import Event
    >>> from ml.profile.layout import view
    >>> event = Event(1, 1, 60_000, 60_000, 0.0, 1250, 7, 8, 9, 6, 0, 0, 0, 52.5, 13.4, False)
    >>> once = view(update(EMPTY, event))
    >>> once.payments, once.amount_max_cents, once.latest
    (1, 1250, 1)
    """
    words = _update(profile, len(profile) // WORD, pack_event(event), _SCRATCH.address)
    return _SCRATCH.read(checked(words))


def age_of(profile: Profile, event: Event) -> int:
    """How many transactions ago the id of this event was seen, 1 for the last; 0 when it is not
    among the recent ones. Raises `ValueError` for bytes that are no profile.
    """
    return checked(_age_of(profile, len(profile) // WORD, pack_event(event)))


def body_hash_and_time(profile: Profile, age: int) -> tuple[int, int]:
    """Body hash and ingest time (ms) of a recent transaction; `age` is 1 for the last."""
    start = len(profile) - age * recent.TRANSACTION_WORDS * WORD
    words = _TRANSACTION.unpack_from(profile, start)
    return words[recent.BODY_AND_MERCHANT] >> 32, words[recent.RECEIVED]


def is_declined(profile: Profile, age: int) -> bool:
    """Whether a recent transaction counts as declined by its issuer; `age` is 1 for the last."""
    (word,) = _WORD.unpack_from(profile, _declined_at(profile, age))
    return bool(word & 1)


def with_decline(profile: Profile, age: int) -> Profile:
    """The profile after the issuer declined a recent transaction that is counted already. A decline
    that happened stays one, so the order of several answers does not matter.
    """
    at = _declined_at(profile, age)
    (word,) = _WORD.unpack_from(profile, at)
    return profile[:at] + _WORD.pack(word | 1) + profile[at + WORD :]


def _declined_at(profile: Profile, age: int) -> int:
    """Index of the byte where the word begins whose lowest bit says `declined`."""
    start = len(profile) - age * recent.TRANSACTION_WORDS * WORD
    return start + recent.DEVICE_COUNTRY_DECLINED * WORD


def checked(result: int) -> int:
    """The result of a compiled function. Raises `ValueError` when it is `INVALID`."""
    if result == INVALID:
        raise ValueError("these bytes are no profile of a user: rebuild the table")
    return result
