"""Decides whether fetched records may be processed now, so that none is skipped. Pure.

Faust drops records in several places while partitions are assigned, and relies on a later seek to
the committed offset. In a group without a commit that seek does not happen, and the records are
lost (seen with kill -9 right after the first start). A user's row relies on order as well: a record
at or below the row's offset counts as done.

So every piece of a partition must begin where the one before it ended. Within a piece nothing can
be missing: it holds every record that exists in its range of offsets (`fetched`). A piece that
begins later shows that one before it was dropped, and the partition is read again from there.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum


class Admission(Enum):
    PROCESS = "process"
    DROP = "drop"
    """It was fetched before the partition was read again, and will come once more."""
    REREAD = "reread"
    """Drop it, and read the partition again from the expected offset."""


class OffsetOrder:
    """The next offset of each partition, for one assignment."""

    def __init__(self) -> None:
        self._expected: dict[Hashable, int] = {}
        self._last_seek: dict[Hashable, int] = {}
        """By partition, the number of the seek with which it was last read again."""

    def __contains__(self, partition: Hashable) -> bool:
        return partition in self._expected

    def start_at(self, partition: Hashable, offset: int) -> None:
        """What begins at this offset must come first."""
        self._expected[partition] = offset

    def expected(self, partition: Hashable) -> int:
        """The offset that must come next. Raises `KeyError` before `start_at`."""
        return self._expected[partition]

    def reset(self) -> None:
        """Forget everything: the partitions were assigned anew."""
        self._expected.clear()
        self._last_seek.clear()

    def admit(self, partition: Hashable, start: int, seek: int) -> Admission:
        """What to do with a piece that begins at `start` and was fetched after the seek `seek`.

        A piece that comes again is processed again: the user's row knows what was counted. Raises
        `KeyError` before `start_at`.

        >>> order = OffsetOrder()
        >>> order.start_at("p", 5)
        >>> order.admit("p", 5, seek=0).value
        'process'
        >>> order.passed("p", 8)
        >>> order.admit("p", 10, seek=0).value
        'reread'
        >>> order.reread("p", seek=1)
        >>> [order.admit("p", start, seek).value for start, seek in ((12, 0), (8, 1))]
        ['drop', 'process']
        """
        if start <= self._expected[partition]:
            return Admission.PROCESS
        return self.refuse(partition, seek)

    def refuse(self, partition: Hashable, seek: int) -> Admission:
        """A piece that cannot be processed now and must come again."""
        already_asked = seek < self._last_seek.get(partition, 0)
        return Admission.DROP if already_asked else Admission.REREAD

    def reread(self, partition: Hashable, seek: int) -> None:
        """The partition is read again from the expected offset, by the seek with this number."""
        self._last_seek[partition] = seek

    def passed(self, partition: Hashable, end: int) -> None:
        """Everything of the latest piece was processed, or does not exist. Reading goes on at its
        end, also when it had begun earlier than expected: the partition was read again from there.
        """
        self._expected[partition] = end
