"""The rows that were used last, as encoded bytes: to read one of them again, RocksDB is not asked.

Valid for a partition as long as this worker owns it. Call `forget` when a partition is assigned
anew, since another worker may have written its rows meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from tables.user_row import EMPTY, UserRow, decode

MAX_ROWS = 20_000
"""At most 4 KiB each, so at most 80 MB."""


class Store(Protocol):
    """Encoded rows by partition; `tables.user_table.UserTable` is one."""

    def read(self, partition: int, user_id: str) -> bytes | None: ...

    def write(self, partition: int, rows: Mapping[str, bytes]) -> None: ...


class RowCache:
    """A read-through and write-through cache; the least recently used rows leave it first."""

    def __init__(self, store: Store, max_rows: int = MAX_ROWS) -> None:
        self._store, self._max_rows = store, max_rows
        self._rows: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    def read(self, partition: int, user_id: str) -> UserRow:
        """The row of a user; the empty row for a user who was never seen."""
        key = (partition, user_id)
        stored = self._rows.get(key)
        if stored is not None:
            self._rows.move_to_end(key)
        else:
            stored = self._store.read(partition, user_id)
        return decode(stored) if stored else EMPTY

    def write(self, partition: int, rows: Mapping[str, bytes]) -> None:
        """Store the changed rows of users, given as their bytes."""
        self._store.write(partition, rows)
        for user, row in rows.items():
            self._rows[partition, user] = row
            self._rows.move_to_end((partition, user))
        while len(self._rows) > self._max_rows:
            self._rows.popitem(last=False)

    def forget(self, partition: int) -> None:
        """Drop the rows of a partition: they may be out of date."""
        for key in [key for key in self._rows if key[0] == partition]:
            del self._rows[key]
