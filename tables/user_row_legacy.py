"""Rows as they were stored before format 3, whose parts were packed otherwise. A row is written
anew in today's format when its user pays.

Format 2 has the latest payments and their decisions behind each other, format 1 each decision
behind its payment.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ml.profile import layout

FORMATS = (1, 2)
_INTERLEAVED = 1

_HEAD = struct.Struct("<BIqqqIqIddq24HBBBBBBBB")
_SIZES = struct.Struct("<4B")
_BUCKET = struct.Struct("<IHq")
_SEEN = struct.Struct("<III")
_PAYMENT = struct.Struct("<QIqqIIH?")


class LegacyRow(NamedTuple):
    profile: bytes
    decisions: bytes
    models: int
    pendings: int
    end: int
    """Where the models begin, and behind them what waits: both are as they are today."""


def read(data: bytes, decision: int) -> LegacyRow:
    """An old row; `decision`: bytes of one."""
    (_, _, _, first, last, count, largest, mask, latitude, longitude, place_ms, *rest) = (
        _HEAD.unpack_from(data)
    )
    payments, models, pendings, *set_sizes, _ = rest[24:]
    sizes = _SIZES.unpack_from(data, _HEAD.size)
    at = _HEAD.size + _SIZES.size
    words: list[int] = []
    for size in sizes:
        for slot, counted, cents in _BUCKET.iter_unpack(data[at : at + _BUCKET.size * size]):
            words += (slot << 16 | counted, cents)
        at += _BUCKET.size * size
    for size in set_sizes:
        words += [
            hash_ << 32 | first_s
            for hash_, first_s, _ in _SEEN.iter_unpack(data[at : at + _SEEN.size * size])
        ]
        at += _SEEN.size * size
    end = at + (_PAYMENT.size + decision) * payments
    latest, decisions = (
        _parted(data[at:end], decision)
        if data[0] == _INTERLEAVED
        else _split(data[at:end], payments)
    )
    for (
        id_hash,
        body_hash,
        received_ms,
        cents,
        merchant,
        device,
        country,
        declined,
    ) in _PAYMENT.iter_unpack(latest):
        words += (
            id_hash,
            received_ms,
            cents,
            body_hash << 32 | merchant,
            device << 32 | country << 1 | declined,
        )
    profile = layout.pack(
        (first, last, count, largest, mask, latitude, longitude, place_ms),
        tuple(rest[:24]),
        (*sizes, *set_sizes),
        payments,
        words,
    )
    return LegacyRow(profile, decisions, models, pendings, end)


def _split(both: bytes, payments: int) -> tuple[bytes, bytes]:
    return both[: _PAYMENT.size * payments], both[_PAYMENT.size * payments :]


def _parted(interleaved: bytes, decision: int) -> tuple[bytes, bytes]:
    both = struct.Struct(f"{_PAYMENT.size}s{decision}s")
    payments, decisions = (
        zip(*both.iter_unpack(interleaved), strict=True) if interleaved else ((), ())
    )
    return b"".join(payments), b"".join(decisions)
