"""Entries of one size kept behind each other as bytes."""

from __future__ import annotations


def place_of(packed: bytes, sought: bytes, size: int) -> int:
    """Where the last entry of `size` bytes begins that begins with these; -1 when there is none.

    >>> place_of(b"ab" b"ba" b"ab", b"b", 2)
    2
    """
    at = packed.rfind(sought)
    while at % size and at >= 0:  # the same bytes, but across two fields
        at = packed.rfind(sought, 0, at + len(sought) - 1)
    return at
