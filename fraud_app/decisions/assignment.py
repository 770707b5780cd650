"""Tells the late decisions of a worker that was taken for dead. Pure.

A frozen worker may have handed decisions to its producer before; they leave when it wakes, while
another worker has decided the same records. So every decision says during which assignment of its
partition it was made, and readers drop those of an assignment that another one has followed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import NamedTuple

HEADER = "fraud_assignment"
"""Of a scored message: `generation:milliseconds`."""
MAX_REMEMBERED = 16
"""Assignments by partition: far more than follow each other while a message is on its way."""
_VALUE = re.compile(rb"(\d{1,10}):(\d{1,15})")


class Assignment(NamedTuple):
    """One worker's ownership of a partition.

    A later one has both a higher generation and a later time. The generation alone would start at 1
    again when the group was deleted, and the time alone depends on two machines' clocks.
    """

    generation: int
    """Of the consumer group; the broker raises it at each rebalance."""
    since_ms: int
    """When the partition was assigned, in ms since 1970, by the worker's clock."""

    def header(self) -> tuple[str, bytes]:
        """The header of the decisions that are made during this assignment."""
        return HEADER, b"%d:%d" % self

    def follows(self, other: Assignment) -> bool:
        """Whether the other one was certainly over before this one began."""
        return self.generation > other.generation and self.since_ms > other.since_ms


@lru_cache(maxsize=256)
def _parsed(value: bytes) -> Assignment | None:
    match = _VALUE.fullmatch(value)
    return Assignment(int(match[1]), int(match[2])) if match else None


def assignment_of(headers: Iterable[tuple[str, bytes | None]]) -> Assignment | None:
    """What a message's headers say; None when they say nothing that can be read."""
    for name, value in headers:
        if name == HEADER and value:
            return _parsed(value)
    return None


class SeenAssignments:
    """The assignments that a reader of decisions has seen, by partition."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, dict[Assignment, int]] = {}
        """Each with the lowest offset at which it was seen."""

    def is_stale(self, partition: Hashable, offset: int, assignment: Assignment | None) -> bool:
        """Whether a message comes behind those of an assignment that has followed its own.

        A message that is read again is judged as the first time: by what lies before it.

        >>> seen = SeenAssignments()
        >>> frozen, successor = Assignment(4, 1000), Assignment(5, 2000)
        >>> [seen.is_stale(0, offset, by) for offset, by in enumerate([frozen, successor, frozen])]
        [False, False, True]
        >>> seen.is_stale(0, 0, frozen)
        False
        """
        if assignment is None:
            return False
        seen = self._seen.setdefault(partition, {})
        if offset < seen.get(assignment, offset + 1):
            seen[assignment] = offset
            if len(seen) > MAX_REMEMBERED:
                del seen[min(seen)]
        return any(first < offset and other.follows(assignment) for other, first in seen.items())
