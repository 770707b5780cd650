"""What an agent is given to work on: pieces of a partition, and batches of records made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faust.types import TP

from fraud_app.kafka.fetched import RecordRange


class FetchedRecords:
    """A piece of one partition, as the broker gave it: all records from `start` to before `end`.

    `generation`: the assignment during which it was requested. `seek`: the number of the consumer's
    latest seek before it was handed over. `next`: index of the first record that was not taken yet.
    """

    __slots__ = ("end", "generation", "next", "records", "seek", "start", "tp")

    def __init__(self, tp: TP, generation: int, records: RecordRange, seek: int) -> None:
        self.tp, self.generation, self.records, self.seek = tp, generation, records, seek
        self.start, self.end, self.next = records.start, records.end, 0

    @property
    def is_used_up(self) -> bool:
        return self.next == len(self.records)

    def take(self, limit: int) -> Sequence[Any]:
        """The next records, at most `limit` of them. The piece then starts after them, or ends."""
        records = self.records[self.next : self.next + limit]
        self.next += len(records)
        self.start = self.end if self.is_used_up else records[-1].offset + 1
        return records


class WorkBatch:
    """Records that an agent works on. A rebalance and a stop wait until all are acknowledged.

    `refcount` is the number of records that are not acknowledged yet; Faust reads it.
    """

    __slots__ = ("__weakref__", "records", "refcount")

    def __init__(self, records: Sequence[Any]) -> None:
        self.records = records
        self.refcount = len(records)

    @property
    def acked(self) -> bool:
        return self.refcount == 0
