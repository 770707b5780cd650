"""Whether the next record of a partition may be processed: none may be skipped, whatever happened
on its way here. Pure.

Faust drops records in several places while partitions are assigned, and relies on a later seek to
the committed offset; in a group without a commit that seek does not happen, and the records are
lost (seen with kill -9 right after the first start). A user's row also relies on order: a record
behind the row's offset counts as done. So a gap is never passed over: the partition is read again
from the record that is missing. Only when that record does not come in several tries (it is
compacted, expired, or a transaction's marker) is the next one work.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

MAX_REREADS = 5


class Admission(Enum):
    PROCESS = "process"
    DROP = "drop"
    SEEK = "seek"
    """Drop it, and read again from `expected`."""


class OffsetOrder:
    """The next offset of each partition, for one assignment."""

    def __init__(self) -> None:
        self._expected: dict[Hashable, int] = {}
        self._highest_seen: dict[Hashable, int] = {}
        """Partitions that are being read again, with the highest offset that came since."""
        self._lowest_seen: dict[Hashable, int] = {}
        """The lowest that came in any try: what has to follow when the expected record is not
        there.
        """
        self._tries: dict[Hashable, int] = {}

    def __contains__(self, partition: Hashable) -> bool:
        return partition in self._expected

    def start_at(self, partition: Hashable, offset: int) -> None:
        """The first record to come is this one."""
        self._expect(partition, offset)

    def expected(self, partition: Hashable) -> int:
        return self._expected[partition]

    def awaiting_reread(self) -> list[Hashable]:
        """Partitions whose missing record has not come yet: to be sought again when nothing comes
        any more.
        """
        return list(self._highest_seen)

    def reset(self) -> None:
        """Partitions were assigned anew: everything begins again."""
        self._expected.clear()
        self._highest_seen.clear()
        self._lowest_seen.clear()
        self._tries.clear()

    def admit(self, partition: Hashable, offset: int) -> Admission:
        """What to do with this record. One that comes again is processed again: the row knows what
        was counted.

        >>> order = InOrder()
        >>> order.start_at("p", 5)
        >>> [order.admit("p", offset).value for offset in (5, 7, 8, 6, 7)]
        ['process', 'seek', 'drop', 'process', 'process']
        """
        expected = self._expected[partition]
        if offset < expected:
            return Admission.PROCESS
        if offset == expected:
            self._expect(partition, offset + 1)
            return Admission.PROCESS
        if (
            partition in self._highest_seen and offset <= self._highest_seen[partition]
        ):  # it was read again, and still the record is not there
            if self._tries[partition] >= MAX_REREADS and offset <= self._lowest_seen[partition]:
                self._expect(partition, offset + 1)
                return Admission.PROCESS
            del self._highest_seen[partition]
        return self.refuse(partition, offset)

    def refuse(self, partition: Hashable, offset: int) -> Admission:
        """The record cannot be processed now: it must come again."""
        first = partition not in self._highest_seen
        self._lowest_seen[partition] = min(offset, self._lowest_seen.get(partition, offset))
        self._highest_seen[partition] = max(offset, self._highest_seen.get(partition, -1))
        if not first:
            return Admission.DROP
        self._tries[partition] = self._tries.get(partition, 0) + 1
        return Admission.SEEK

    def _expect(self, partition: Hashable, following: int) -> None:
        self._expected[partition] = following
        self._highest_seen.pop(partition, None)
        self._lowest_seen.pop(partition, None)
        self._tries.pop(partition, None)
