"""The latest payments of a user, packed: 39 bytes each, oldest first. What is asked of them is asked by column.

Kept as they are stored, a memory of 20,000 users is 20,000 values to Python, not two million objects that its collector visits and that
push each other out of the processor's cache.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import NamedTuple

from ml.event import Event
from ml.packed import place_of
from ml.windows import DAY_MS, HOUR_MS, MINUTE_MS

KEPT = 32

_PAYMENT = struct.Struct("<QIqqIIH?")
SIZE = _PAYMENT.size
_ID = struct.Struct("<Q")
_HEAD = struct.Struct("<QIq")
_ALL = tuple(struct.Struct("<" + "8x4xqqIIH?" * count) for count in range(KEPT + 1))


class Lately(NamedTuple):
    """A user's latest payments, a value each in the order in which they were received, and which of them a payment finds behind it."""

    amount_cents: tuple[int, ...]
    merchant: tuple[int, ...]
    device: tuple[int, ...]
    country: tuple[int, ...]
    declined: tuple[bool, ...]
    day: slice
    """Those of the last day."""
    hour: slice
    minute: slice


_NONE = slice(0, 0)
_NEVER = Lately((), (), (), (), (), _NONE, _NONE, _NONE)


def add(packed: bytes, event: Event) -> bytes:
    """The latest with one payment more, and without the oldest of too many."""
    return packed[-SIZE * (KEPT - 1) :] + _PAYMENT.pack(
        event.id_hash, event.body_hash, event.received_ms, event.amount_cents, event.merchant, event.device, event.country,
        event.declined,
    )  # fmt: skip


def count(packed: bytes) -> int:
    return len(packed) // SIZE


def age_of(packed: bytes, id_hash: int) -> int | None:
    """How many payments ago this id came, 1 for the last; None when it is not among the latest."""
    at = place_of(packed, _ID.pack(id_hash), SIZE)
    return None if at < 0 else (len(packed) - at) // SIZE


def body_and_time(packed: bytes, age: int) -> tuple[int, int]:
    """Body hash of a payment and when it was received (ms); `age` is 1 for the last."""
    _, body_hash, received_ms = _HEAD.unpack_from(packed, len(packed) - age * SIZE)
    return body_hash, received_ms


def lately(packed: bytes, now_ms: int) -> Lately:
    """The latest payments as one that is received at `now_ms` finds them. Any that were received later are in no slice."""
    if not packed:
        return _NEVER
    values = _ALL[len(packed) // SIZE].unpack(packed)
    received = values[::6]
    cents, merchant, device, country, declined = (values[place::6] for place in range(1, 6))
    in_order = sorted(received)
    if in_order != list(received):
        order = sorted(range(len(received)), key=received.__getitem__)
        cents, merchant, device, country, declined = (
            tuple([column[place] for place in order]) for column in (cents, merchant, device, country, declined)
        )
    end = bisect_right(in_order, now_ms)
    day, hour, minute = [slice(bisect_right(in_order, now_ms - span), end) for span in (DAY_MS, HOUR_MS, MINUTE_MS)]
    return Lately(cents, merchant, device, country, declined, day, hour, minute)
