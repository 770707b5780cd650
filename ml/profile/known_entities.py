"""Sets of entities that a user was seen with: devices, countries, cards, merchants.

An entry is one word: the 32-bit hash in the upper half, the time of the first sight (seconds since
1970) in the lower half. The most recently seen entry is last.
"""

from __future__ import annotations

from ml.profile.jit import LOW, Words, jit

NEVER = -1
"""Returned for an entity that the user was never seen with."""


@jit
def first_seen(entries: Words, hash_: int) -> int:
    """When the user was first seen with this entity, in seconds since 1970; `NEVER` when it is not
    in the set or the hash is 0 (a missing field).
    """
    if hash_:
        for index in range(len(entries)):
            if entries[index] >> 32 & LOW == hash_:
                return entries[index] & LOW
    return NEVER


@jit
def add(entries: Words, hash_: int, seconds: int, bound: int, out: Words) -> int:
    """Write the set after one more sight to `out`; the number of entries written.

    `seconds`: time of the sight since 1970; `bound`: most entries of this set. A full set drops the
    entry that was not seen for the longest time. A hash of 0 (a missing field) adds nothing.
    """
    known_at = -1
    for index in range(len(entries)):
        if entries[index] >> 32 & LOW == hash_:
            known_at = index
    is_new = hash_ != 0 and known_at < 0
    dropped = max(0, len(entries) - bound + 1) if is_new else 0
    written = 0
    for index in range(dropped, len(entries)):
        if index != known_at:
            out[written] = entries[index]
            written += 1
    if hash_:
        first_s = seconds if known_at < 0 else min(entries[known_at] & LOW, seconds)
        out[written] = hash_ << 32 | first_s
        written += 1
    return written
