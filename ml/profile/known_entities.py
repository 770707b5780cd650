"""What a user was seen with, packed: one word an entry (hash, first time in seconds since 1970),
most recently seen last.
"""

from __future__ import annotations

from ml.profile.jit import LOW, Words, jit

NEVER = -1


@jit
def first_seen(words: Words, at: int, entries: int, hash_: int) -> int:
    """When the user was first seen with this, in seconds since 1970; `NEVER` when it is unknown or
    0.
    """
    if hash_:
        for place in range(at, at + entries):
            if words[place] >> 32 & LOW == hash_:
                return words[place] & LOW
    return NEVER


@jit
def add(
    words: Words, at: int, entries: int, hash_: int, seconds: int, bound: int, out: Words, to: int
) -> int:
    """Write the set after the user was seen with this; how many there are. The one unseen for
    longest goes when the bound is reached. 0: with nothing."""
    found = -1
    for place in range(at, at + entries):
        if words[place] >> 32 & LOW == hash_:
            found = place
    start = max(0, entries - bound + 1) if hash_ and found < 0 else 0
    first = to
    for place in range(at + start, at + entries):
        if place != found:
            out[to] = words[place]
            to += 1
    if hash_:
        out[to] = hash_ << 32 | (min(words[found] & LOW, seconds) if found >= 0 else seconds)
        to += 1
    return to - first
