"""How far each partition is done. Pure.

An offset without a record counts as done when everything before it is: so what is committed reaches
the end of a partition that ends with the marker of a transaction.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator


class DoneOffsets:
    """By partition, the offset before which everything is done.

    >>> done = DoneOffsets()
    >>> done.start_at("p", 5)
    >>> done.no_record("p", 7, 9)
    >>> done.record_done("p", 5)
    >>> done.of("p")
    6
    >>> done.record_done("p", 6)
    >>> done.of("p")
    9
    """

    def __init__(self) -> None:
        self._next: dict[Hashable, int] = {}
        """One after the last record that is done; where reading began before the first one."""
        self._empty: dict[Hashable, tuple[int, int]] = {}
        """The latest offsets that hold no record: the first of them, and one after the last."""

    def __iter__(self) -> Iterator[Hashable]:
        return iter(list(self._next))

    def start_at(self, partition: Hashable, offset: int) -> None:
        """Reading begins here: everything before was done earlier."""
        self._next[partition] = offset
        self._empty.pop(partition, None)

    def record_done(self, partition: Hashable, offset: int) -> None:
        """The record at this offset is done, and with it all earlier ones."""
        self._next[partition] = max(offset + 1, self._next.get(partition, 0))

    def no_record(self, partition: Hashable, start: int, end: int) -> None:
        """There is no record from `start` to before `end`."""
        first, next_offset = self._empty.get(partition, (start, start))
        self._empty[partition] = (first if next_offset == start else start), end

    def of(self, partition: Hashable) -> int | None:
        """The offset to go on from; None before reading began."""
        done = self._next.get(partition)
        start, end = self._empty.get(partition, (0, 0))
        return end if done is not None and start <= done < end else done

    def forget(self, partition: Hashable) -> None:
        """The partition was taken away."""
        self._next.pop(partition, None)
        self._empty.pop(partition, None)
