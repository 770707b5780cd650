"""Up to which offset the records of other partitions are counted in a user's row.

A record in the wrong partition is sent on to its user's partition (docs/decisions/0002). A worker
that is killed after that and before its commit sends it on again, with any number of the user's
transactions between the two copies. All copies of one partition come in its order, from the
committed offset on, so the highest offset tells a second copy from a new record (decision 21).

In a row, one word of 8 bytes each, little endian:

    | bits    | field     | content                           |
    |---------|-----------|-----------------------------------|
    | 0 - 15  | partition | where the records were read first |
    | 16 - 63 | offset    | of the last one that was counted  |
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAX_ORIGINS = 8
"""Of one user; the one that was not used for the longest time leaves first. A producer with another
partitioner needs one.
"""
MAX_PARTITION, MAX_OFFSET = 2**16 - 1, 2**48 - 1
_WORD = struct.Struct("<Q")


class Origin(NamedTuple):
    """Where a rerouted record was read first, in today's life of the topic: at most
    `MAX_PARTITION` and `MAX_OFFSET`.
    """

    partition: int
    offset: int


def is_counted(origins: tuple[Origin, ...], origin: Origin) -> bool:
    """Whether a copy of this record was counted before."""
    return any(
        counted.partition == origin.partition and origin.offset <= counted.offset
        for counted in origins
    )


def add(origins: tuple[Origin, ...], origin: Origin | None) -> tuple[Origin, ...]:
    """The origins after one more record, the last used one last. `origin`: None for a record that
    was not rerouted.

    >>> add((Origin(0, 7), Origin(2, 5)), Origin(0, 8))
    (Origin(partition=2, offset=5), Origin(partition=0, offset=8))
    """
    if origin is None or is_counted(origins, origin):
        return origins
    others = tuple(counted for counted in origins if counted.partition != origin.partition)
    return (*others, origin)[-MAX_ORIGINS:]


def encode(origins: tuple[Origin, ...], max_bytes: int) -> bytes:
    """8 bytes for each of the last used origins that fit into so many bytes."""
    fitting = origins[len(origins) - min(len(origins), max(max_bytes, 0) // _WORD.size) :]
    return b"".join(_WORD.pack(origin.offset << 16 | origin.partition) for origin in fitting)


def decode(data: bytes) -> tuple[Origin, ...]:
    """What `encode` wrote. Raises `struct.error` for a length that is no multiple of 8."""
    return tuple(Origin(word & 0xFFFF, word >> 16) for (word,) in _WORD.iter_unpack(data))
