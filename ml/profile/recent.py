"""The latest payments of a user, packed: five words each, oldest first."""

from __future__ import annotations

from ml.profile.event import (
    AMOUNT_CENTS,
    BODY_HASH,
    COUNTRY,
    DECLINED,
    DEVICE,
    ID_HASH,
    MERCHANT,
    RECEIVED_MS,
)
from ml.profile.jit import LOW, Words, jit

MAX_RECENT = 32
SIZE = 5
"""Words of a payment."""
ID, RECEIVED, CENTS, BODY_AND_MERCHANT, DEVICE_COUNTRY_DECLINED = range(SIZE)
OF_MERCHANT = (BODY_AND_MERCHANT, 0, LOW)
OF_DEVICE = (DEVICE_COUNTRY_DECLINED, 32, LOW)
OF_COUNTRY = (DEVICE_COUNTRY_DECLINED, 1, 0xFFFF)
WAS_DECLINED = (DEVICE_COUNTRY_DECLINED, 0, 1)
"""Word, shift and mask."""


@jit
def add(words: Words, at: int, payments: int, event: Words, out: Words, to: int) -> int:
    """Write the latest with one payment more, and without the oldest of too many; how many there
    are.
    """
    start = max(0, payments - MAX_RECENT + 1)
    for place in range(SIZE * start, SIZE * payments):
        out[to + place - SIZE * start] = words[at + place]
    to += SIZE * (payments - start)
    out[to + ID] = event[ID_HASH]
    out[to + RECEIVED] = event[RECEIVED_MS]
    out[to + CENTS] = event[AMOUNT_CENTS]
    out[to + BODY_AND_MERCHANT] = event[BODY_HASH] << 32 | event[MERCHANT]
    out[to + DEVICE_COUNTRY_DECLINED] = event[DEVICE] << 32 | event[COUNTRY] << 1 | event[DECLINED]
    return payments - start + 1


@jit
def value(words: Words, place: int, field: tuple[int, int, int]) -> int:
    """`OF_MERCHANT`, `OF_DEVICE`, `OF_COUNTRY` or `WAS_DECLINED` of the payment at this place."""
    word, shift, mask = field
    return words[place + word] >> shift & mask


@jit
def is_within(words: Words, place: int, now_ms: int, span_ms: int) -> bool:
    """Whether a payment was received in the span that ends at `now_ms`."""
    return now_ms - span_ms < words[place + RECEIVED] <= now_ms


@jit
def age_of(words: Words, at: int, payments: int, id_hash: int) -> int:
    """How many payments ago this id came, 1 for the last; 0 when it is not among the latest."""
    for age in range(1, payments + 1):
        if words[at + SIZE * (payments - age) + ID] == id_hash:
            return age
    return 0


@jit
def count_received(words: Words, at: int, payments: int, now_ms: int, span_ms: int) -> int:
    """How many were received in the span that ends at `now_ms`."""
    found = 0
    for place in range(at, at + SIZE * payments, SIZE):
        found += is_within(words, place, now_ms, span_ms)
    return found


@jit
def count_distinct(
    words: Words, at: int, payments: int, now_ms: int, span_ms: int, field: tuple[int, int, int]
) -> int:
    """How many different values of a field there were in the span that ends at `now_ms`; 0 is
    missing.
    """
    found = 0
    for place in range(at, at + SIZE * payments, SIZE):
        this = value(words, place, field)
        if this and is_within(words, place, now_ms, span_ms):
            again = False
            for before in range(at, place, SIZE):
                again = again or (
                    value(words, before, field) == this
                    and is_within(words, before, now_ms, span_ms)
                )
            found += not again
    return found


@jit
def write_amounts(words: Words, at: int, payments: int, out: Words) -> None:
    """Write all amounts in cents."""
    for number in range(payments):
        out[number] = words[at + SIZE * number + CENTS]
