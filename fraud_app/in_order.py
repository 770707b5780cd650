"""Whether the next record of a partition may be processed: none may be skipped, whatever happened on its way here. Pure.

Faust drops records in several places while partitions are assigned, and relies on a later seek to the committed offset; in a
group without a commit that seek does not happen, and the records are lost (seen with kill -9 right after the first start).
A user's row also relies on order: a record behind the row's offset counts as done. So a gap is never passed over: the
partition is read again from the record that is missing. Only when that record does not come in several tries (it is
compacted, expired, or a transaction's marker) is the next one taken.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

TRIES = 5


class Verdict(Enum):
    PROCESS = "process"
    DROP = "drop"
    SEEK = "seek"
    """Drop it, and read again from `expected`."""


class InOrder:
    """The next offset of each partition, for one assignment."""

    def __init__(self) -> None:
        self._expected: dict[Hashable, int] = {}
        self._came: dict[Hashable, int] = {}
        """Partitions that are being read again, with the highest offset that came since."""
        self._lowest: dict[Hashable, int] = {}
        """The lowest that came in any try: what has to follow when the expected record is not there."""
        self._tries: dict[Hashable, int] = {}

    def __contains__(self, partition: Hashable) -> bool:
        return partition in self._expected

    def begin(self, partition: Hashable, offset: int) -> None:
        """The first record to come is this one."""
        self._found(partition, offset)

    def expected(self, partition: Hashable) -> int:
        return self._expected[partition]

    def read_again(self) -> list[Hashable]:
        """Partitions whose missing record has not come yet: to be sought again when nothing comes any more."""
        return list(self._came)

    def forget(self) -> None:
        """Partitions were assigned anew: everything begins again."""
        self._expected.clear()
        self._came.clear()
        self._lowest.clear()
        self._tries.clear()

    def admit(self, partition: Hashable, offset: int) -> Verdict:
        """What to do with this record. One that comes again is processed again: the row knows what was counted.

        >>> order = InOrder()
        >>> order.begin("p", 5)
        >>> [order.admit("p", offset).value for offset in (5, 7, 8, 6, 7)]
        ['process', 'seek', 'drop', 'process', 'process']
        """
        expected = self._expected[partition]
        if offset < expected:
            return Verdict.PROCESS
        if offset == expected:
            self._found(partition, offset + 1)
            return Verdict.PROCESS
        if (
            partition in self._came and offset <= self._came[partition]
        ):  # it was read again, and still the record is not there
            if self._tries[partition] >= TRIES and offset <= self._lowest[partition]:
                self._found(partition, offset + 1)
                return Verdict.PROCESS
            del self._came[partition]
        return self.refuse(partition, offset)

    def refuse(self, partition: Hashable, offset: int) -> Verdict:
        """The record cannot be processed now: it must come again."""
        first = partition not in self._came
        self._lowest[partition] = min(offset, self._lowest.get(partition, offset))
        self._came[partition] = max(offset, self._came.get(partition, -1))
        if not first:
            return Verdict.DROP
        self._tries[partition] = self._tries.get(partition, 0) + 1
        return Verdict.SEEK

    def _found(self, partition: Hashable, following: int) -> None:
        self._expected[partition] = following
        self._came.pop(partition, None)
        self._lowest.pop(partition, None)
        self._tries.pop(partition, None)
