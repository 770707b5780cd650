"""Which life of `transactions.raw` the rows of a partition belong to, stored beside them.

Kafka gives a topic that is deleted and created anew another id, and its offsets start at 0 again.
The id that is stored tells the lives apart; each has its own epoch, so that no record of a new life
is taken for one that was counted. One value a partition, in the same table and changelog as the
rows. Little endian, with the head of a user row, so that the newer of two copies is found alike:

    | bytes   | field    | type     | content                         |
    |---------|----------|----------|---------------------------------|
    | 0       | format   | u8       | 1                               |
    | 1 - 4   | epoch    | u32      | life of the topic               |
    | 5 - 12  | offset   | i64      | 0                               |
    | 13 - 28 | topic id | 16 bytes | zeros when the broker has none  |
"""

from __future__ import annotations

import struct
from typing import NamedTuple

FORMAT = 1
NO_ID = bytes(16)
_LAYOUT = struct.Struct("<BIq16s")


class SourceTopic(NamedTuple):
    """A life of the topic."""

    epoch: int
    topic_id: bytes


def encode(source: SourceTopic) -> bytes:
    """The stored bytes."""
    return _LAYOUT.pack(FORMAT, source.epoch, 0, source.topic_id)


def decode(data: bytes) -> SourceTopic:
    """What `encode` wrote. Raises `struct.error` for any other length."""
    _, epoch, _, topic_id = _LAYOUT.unpack(data)
    return SourceTopic(epoch, topic_id)


def is_another(stored: SourceTopic | None, topic_id: bytes) -> bool:
    """Whether the topic was made anew since it was stored. Without ids nobody can say."""
    return (
        stored is not None
        and NO_ID not in (stored.topic_id, topic_id)
        and stored.topic_id != topic_id
    )


def followed(stored: SourceTopic | None, topic_id: bytes, least_epoch: int) -> SourceTopic:
    """The life that records of a topic with this id belong to, when reading began at its beginning.

    `least_epoch`: of the settings.

    >>> first = followed(None, b"a" * 16, 0)
    >>> followed(first, b"a" * 16, 0) == first, followed(first, b"b" * 16, 0).epoch
    (True, 1)
    """
    if stored is None:
        return SourceTopic(least_epoch, topic_id)
    if is_another(stored, topic_id):
        return SourceTopic(max(stored.epoch + 1, least_epoch), topic_id)
    known_id = topic_id if stored.topic_id == NO_ID else stored.topic_id
    return SourceTopic(max(stored.epoch, least_epoch), known_id)
