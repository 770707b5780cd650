"""Reads user rows of the formats 1 and 2, which older versions stored.

A row is stored in today's format (`user_row`) with the next transaction of its user, so nothing
here writes. Both formats, little endian, without padding:

    | bytes         | field            | type      | content                                    |
    |---------------|------------------|-----------|--------------------------------------------|
    | 0             | format           | u8        | 1 or 2                                     |
    | 1 - 4         | epoch            | u32       | as in format 3                             |
    | 5 - 12        | offset           | i64       | as in format 3                             |
    | 13 - 20       | first_ms         | i64       | first transaction, ms since 1970           |
    | 21 - 28       | last_ms          | i64       | last transaction, ms since 1970            |
    | 29 - 32       | count            | u32       | number of transactions                     |
    | 33 - 40       | amount_max_cents | i64       | largest amount                             |
    | 41 - 44       | category_mask    | u32       | a bit for each category seen               |
    | 45 - 60       | last place       | f64, f64  | latitude, longitude; NaN for unknown       |
    | 61 - 68       | place_ms         | i64       | time of the last place, ms since 1970      |
    | 69 - 116      | hours            | 24 u16    | transactions by hour of the day            |
    | 117           | T                | u8        | number of latest transactions              |
    | 118           | M                | u8        | number of models                           |
    | 119           | P                | u8        | number of pending decisions                |
    | 120 - 123     | set sizes        | 4 u8      | devices, countries, cards, merchants       |
    | 124           | unused           | u8        | 0                                          |
    | 125 - 128     | window sizes     | 4 u8      | buckets of 10 m, 1 h, 24 h, 7 d            |
    | 14 a bucket   | slot             | u32       | start of the bucket over its length        |
    |               | count, cents     | u16, i64  | number and sum of its transactions         |
    | 12 an entry   | hash             | u32       | of a device, country, card or merchant     |
    |               | first_s, last_s  | u32, u32  | first and last seen, seconds since 1970    |
    | T times 39    | id_hash          | u64       | a latest transaction, oldest first         |
    |               | body_hash        | u32       |                                            |
    |               | received_ms      | i64       |                                            |
    |               | cents            | i64       |                                            |
    |               | merchant, device | u32, u32  | hashes                                     |
    |               | country          | u16       | two letters                                |
    |               | declined         | bool      |                                            |
    | T times 10    | decision         |           | as in format 3                             |
    | the rest      | models, pending  |           | as in format 3                             |

So it is in format 2. In format 1 each of the T decisions stands directly behind its transaction.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ml.profile import layout

FORMATS = (1, 2)
_INTERLEAVED = 1
"""The format with each decision behind its transaction."""

_HEAD = struct.Struct("<BIqqqIqIddq24HBBBBBBBB")
_WINDOW_SIZES = struct.Struct("<4B")
_BUCKET = struct.Struct("<IHq")
_SET_ENTRY = struct.Struct("<III")
_TRANSACTION = struct.Struct("<QIqqIIH?")
_HOURS = 24


class LegacyRow(NamedTuple):
    """An older row, with its profile and its decisions as they are packed today."""

    profile: bytes
    decisions: bytes
    models: int
    pendings: int
    """Number of models and of pending decisions, which are packed as they are today."""
    end: int
    """Index of the first byte of the models; the pending decisions follow them."""


def read(data: bytes, decision_size: int) -> LegacyRow:
    """Read an older row. `decision_size`: bytes of a packed decision."""
    (_, _, _, first, last, count, largest, mask, latitude, longitude, place_ms, *rest) = (
        _HEAD.unpack_from(data)
    )
    hours, (latest, models, pendings, *set_sizes, _) = tuple(rest[:_HOURS]), rest[_HOURS:]
    window_sizes = _WINDOW_SIZES.unpack_from(data, _HEAD.size)

    windows_start = _HEAD.size + _WINDOW_SIZES.size
    sets_start = windows_start + _BUCKET.size * sum(window_sizes)
    latest_start = sets_start + _SET_ENTRY.size * sum(set_sizes)
    end = latest_start + (_TRANSACTION.size + decision_size) * latest
    transactions, decisions = _split(
        data[latest_start:end], latest, decision_size, interleaved=data[0] == _INTERLEAVED
    )
    words = [
        *_bucket_words(data[windows_start:sets_start]),
        *_set_words(data[sets_start:latest_start]),
        *_transaction_words(transactions),
    ]
    profile = layout.pack(
        (first, last, count, largest, mask, latitude, longitude, place_ms),
        hours,
        (*window_sizes, *set_sizes),
        latest,
        words,
    )
    return LegacyRow(profile, decisions, models, pendings, end)


def _bucket_words(buckets: bytes) -> Iterator[int]:
    for slot, count, cents in _BUCKET.iter_unpack(buckets):
        yield slot << 16 | count
        yield cents


def _set_words(entries: bytes) -> Iterator[int]:
    """Words of the set entries; the time when an entry was last seen is not stored any more."""
    for hash_, first_s, _ in _SET_ENTRY.iter_unpack(entries):
        yield hash_ << 32 | first_s


def _transaction_words(transactions: bytes) -> Iterator[int]:
    for fields in _TRANSACTION.iter_unpack(transactions):
        id_hash, body_hash, received_ms, cents, merchant, device, country, declined = fields
        yield id_hash
        yield received_ms
        yield cents
        yield body_hash << 32 | merchant
        yield device << 32 | country << 1 | declined


def _split(
    packed: bytes, count: int, decision_size: int, *, interleaved: bool
) -> tuple[bytes, bytes]:
    """The transactions and their decisions, each packed one after the other."""
    if not interleaved:
        decisions_start = _TRANSACTION.size * count
        return packed[:decisions_start], packed[decisions_start:]
    pair = struct.Struct(f"{_TRANSACTION.size}s{decision_size}s")
    pairs: Sequence[tuple[bytes, bytes]] = list(pair.iter_unpack(packed))
    return (
        b"".join(transaction for transaction, _ in pairs),
        b"".join(decision for _, decision in pairs),
    )
