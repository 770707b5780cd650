"""What the broker answered to a fetch, handed over with the offsets that it covers.

aiokafka drops two things that matter here, and cannot read a third:

- The offsets of an answer may have holes: markers of transactions, aborted transactions, records
  that compaction or retention removed. aiokafka knows where an answer begins and where the next one
  will begin, so what is missing in between does not exist. It hands over the records only, and
  nothing at all when there are none.
- A header name is text for aiokafka, and bytes for many producers. One name that is not UTF-8 made
  the whole partition unreadable.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

log = logging.getLogger(__name__)

FIRST_MAGIC_WITH_HEADERS = 2


class RecordRange(list[Any]):
    """All records that exist in a partition from the offset `start` to before the offset `end`.

    True unless the range is empty: one without records is news, too.
    """

    __slots__ = ("end", "start")

    def __init__(self, records: list[Any], start: int, end: int) -> None:
        super().__init__(records)
        self.start, self.end = start, end

    def __bool__(self) -> bool:
        return self.end > self.start


def with_last_offset(tp: TopicPartition, records: RecordRange) -> list[Any]:
    """Records of a changelog, with an empty one at the end when the last offsets hold none.

    Faust reads a changelog until it has the offset before its end. One that ends with the marker of
    a transaction has no such record, and the recovery would never be over.
    """
    last = records.end - 1
    if not records or (len(records) and records[-1].offset == last):
        return records
    return [*records, ConsumerRecord(*tp, last, 0, 0, None, None, None, -1, -1, ())]


def install() -> None:
    """Make aiokafka hand over a `RecordRange` and read any header. May be called more than once."""
    fetcher.MemoryRecords = _KeptBytes
    fetcher.FetchResult.getall = _getall
    fetcher.PartitionRecords._unpack_records = _unpack_records


_aiokafka_getall = fetcher.FetchResult.getall
_aiokafka_unpack_records = fetcher.PartitionRecords._unpack_records


def _getall(self: Any, max_records: int | None = None) -> list[Any]:
    unread = self._partition_records
    start = unread.next_fetch_offset
    records = _aiokafka_getall(self, max_records)
    return RecordRange(records, start, unread.next_fetch_offset)


def _unpack_records(self: Any) -> Iterator[Any]:
    aborted = list(self._aborted_transactions)
    try:
        yield from _aiokafka_unpack_records(self)
    except UnicodeDecodeError:  # begin again, and go on where it failed
        failed_at = self.next_fetch_offset
        log.warning("header_is_no_text", extra={"partition": str(self._tp), "offset": failed_at})
        self._records = _AnyHeaderRecords(self._records.data)
        self._aborted_transactions, self._aborted_producers = aborted, set()
        records = _aiokafka_unpack_records(self)
        yield from (record for record in records if record.offset >= failed_at)


class _KeptBytes(MemoryRecords):  # type: ignore[misc]
    """aiokafka's fast reader of an answer, with the bytes that it reads."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class _AnyHeaderRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """aiokafka's slow reader of an answer. Header names may be any bytes."""

    def next_batch(self) -> Any:
        data = self._next_slice
        batch = super().next_batch()
        if batch is not None and batch.magic >= FIRST_MAGIC_WITH_HEADERS:
            return _AnyHeaderBatch(data)
        return batch


class _AnyHeaderBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _AnyText(self._buffer)


class _AnyText(bytearray):
    """Bytes whose parts can always be decoded: what is no text becomes a text like `\\\\xff`."""

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _AnyText(part) if isinstance(index, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)
