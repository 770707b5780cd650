"""Decides whether the next record of a partition may be processed, so that none is skipped. Pure.

Faust drops records in several places while partitions are assigned, and relies on a later seek to
the committed offset. In a group without a commit that seek does not happen, and the records are
lost (seen with kill -9 right after the first start). A user's row relies on order as well: a record
at or below the row's offset counts as done. So a gap is never passed over: the partition is read
again from the missing record. Only when that record does not come in several tries (it was
compacted, it expired, or it is a transaction marker) is the next one processed.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

MAX_REREADS = 5
"""Tries before a missing record counts as gone. Faust may drop it more than once while partitions
move.
"""


class Admission(Enum):
    PROCESS = "process"
    DROP = "drop"
    SEEK = "seek"
    """Drop it, and read the partition again from the expected offset."""


class OffsetOrder:
    """The next offset of each partition, for one assignment."""

    def __init__(self) -> None:
        self._expected: dict[Hashable, int] = {}
        self._highest_seen: dict[Hashable, int] = {}
        """Partitions that are being read again, with the highest offset seen since."""
        self._lowest_seen: dict[Hashable, int] = {}
        """The lowest offset seen in any try: the next record when the expected one is gone."""
        self._tries: dict[Hashable, int] = {}

    def __contains__(self, partition: Hashable) -> bool:
        return partition in self._expected

    def start_at(self, partition: Hashable, offset: int) -> None:
        """The record at this offset must come first."""
        self._expect(partition, offset)

    def expected(self, partition: Hashable) -> int:
        """The offset that must come next. Raises `KeyError` before `start_at`."""
        return self._expected[partition]

    def awaiting_reread(self) -> list[Hashable]:
        """Partitions whose missing record has not come yet; seek again when nothing else comes."""
        return list(self._highest_seen)

    def reset(self) -> None:
        """Forget everything: the partitions were assigned anew."""
        self._expected.clear()
        self._highest_seen.clear()
        self._lowest_seen.clear()
        self._tries.clear()

    def admit(self, partition: Hashable, offset: int) -> Admission:
        """What to do with this record.

        A record that comes again is processed again: the user's row knows what was counted. Raises
        `KeyError` before `start_at`.

        >>> order = OffsetOrder()
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
        is_reread = offset <= self._highest_seen.get(partition, -1)
        if is_reread:  # and the expected record is still missing
            if self._tries[partition] >= MAX_REREADS and offset <= self._lowest_seen[partition]:
                self._expect(partition, offset + 1)
                return Admission.PROCESS
            del self._highest_seen[partition]
        return self.refuse(partition, offset)

    def refuse(self, partition: Hashable, offset: int) -> Admission:
        """The record cannot be processed now and must come again: `SEEK` once, then `DROP`."""
        is_first_of_this_try = partition not in self._highest_seen
        self._lowest_seen[partition] = min(offset, self._lowest_seen.get(partition, offset))
        self._highest_seen[partition] = max(offset, self._highest_seen.get(partition, -1))
        if not is_first_of_this_try:
            return Admission.DROP
        self._tries[partition] = self._tries.get(partition, 0) + 1
        return Admission.SEEK

    def _expect(self, partition: Hashable, offset: int) -> None:
        self._expected[partition] = offset
        self._highest_seen.pop(partition, None)
        self._lowest_seen.pop(partition, None)
        self._tries.pop(partition, None)
