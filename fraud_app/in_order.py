"""Whether the next record of a partition may be processed: none may be skipped, whatever happened on its way here. Pure.

Faust drops records in several places while partitions are assigned, and relies on a later seek to the committed offset; in a
group without a commit that seek does not happen, and the records are lost (seen with kill -9 right after the first start).
A user's row also relies on order: a record behind the row's offset counts as done. So a gap is never passed over: the
partition is read again from the record that is missing. Only when that record is really not there (compacted, expired, or a
transaction's marker) is the next one taken.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum


class Verdict(Enum):
    PROCESS = "process"
    DROP = "drop"
    SEEK = "seek"
    """Drop it, and read again from `expected`."""


class InOrder:
    """The next offset of each partition, for one assignment."""

    def __init__(self) -> None:
        self._expected: dict[Hashable, int] = {}
        self._seeking: dict[Hashable, int] = {}
        """Partitions that are being read again, with the highest offset that came from before."""

    def __contains__(self, partition: Hashable) -> bool:
        return partition in self._expected

    def begin(self, partition: Hashable, offset: int) -> None:
        """The first record to come is this one."""
        self._expected[partition] = offset
        self._seeking.pop(partition, None)

    def expected(self, partition: Hashable) -> int:
        return self._expected[partition]

    def read_again(self) -> list[Hashable]:
        """Partitions whose missing record has not come yet: to be sought again when nothing comes any more."""
        return list(self._seeking)

    def forget(self) -> None:
        """Partitions were assigned anew: everything begins again."""
        self._expected.clear()
        self._seeking.clear()

    def admit(self, partition: Hashable, offset: int) -> Verdict:
        """What to do with this record. One that comes again is processed again: the row knows what was counted.

        >>> order = InOrder()
        >>> order.begin("p", 5)
        >>> [order.admit("p", offset).value for offset in (5, 7, 8, 6, 7)]
        ['process', 'seek', 'drop', 'process', 'process']
        """
        expected = self._expected[partition]
        if offset <= expected:
            self._expected[partition] = max(expected, offset + 1)
            if offset == expected:
                self._seeking.pop(partition, None)
            return Verdict.PROCESS
        came_back = partition in self._seeking and offset <= self._seeking[partition]
        if came_back:
            self._expected[partition] = offset + 1
            del self._seeking[partition]
            return Verdict.PROCESS
        return self.refuse(partition, offset)

    def refuse(self, partition: Hashable, offset: int) -> Verdict:
        """The record cannot be processed now: it must come again."""
        first = partition not in self._seeking
        self._seeking[partition] = max(offset, self._seeking.get(partition, -1))
        return Verdict.SEEK if first else Verdict.DROP
