"""What a user was seen with, packed: 12 bytes an entry (hash, first and last time in seconds since 1970), most recently seen last."""

from __future__ import annotations

import struct

from ml.packed import place_of

_ENTRY = struct.Struct("<III")
SIZE = _ENTRY.size
_HASH = struct.Struct("<I")


def see(packed: bytes, hash_: int, seconds: int, bound: int) -> bytes:
    """The set after the user was seen with this; the one unseen for longest goes when the bound is reached. 0: with nothing.

    >>> twice = see(see(b"", 7, 100, 4), 7, 200, 4)
    >>> count(twice), first_seen(twice, 7), first_seen(twice, 8)
    (1, 100, None)
    """
    if not hash_:
        return packed
    at = place_of(packed, _HASH.pack(hash_), SIZE)
    if at < 0:
        return packed[-SIZE * (bound - 1) :] + _ENTRY.pack(hash_, seconds, seconds)
    _, first, last = _ENTRY.unpack_from(packed, at)
    return packed[:at] + packed[at + SIZE :] + _ENTRY.pack(hash_, min(first, seconds), max(last, seconds))


def first_seen(packed: bytes, hash_: int) -> int | None:
    """When the user was first seen with this, in seconds since 1970; None when it is unknown or 0."""
    at = place_of(packed, _HASH.pack(hash_), SIZE) if hash_ else -1
    return None if at < 0 else int(_ENTRY.unpack_from(packed, at)[1])


def count(packed: bytes) -> int:
    return len(packed) // SIZE
