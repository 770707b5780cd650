"""The databases behind a Faust table, one a partition. Faust keeps these methods to itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import faust
import rocksdict
from faust.types import TP


class TableStore:
    """Reads and writes by partition. Raises what RocksDB raises when a database is damaged."""

    def __init__(self, table: faust.Table[Any, Any]) -> None:
        self._store: Any = table.data

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key in a partition of this worker."""
        value: bytes | None = self._store._db_for_partition(partition).get(key)
        return value

    def write(self, partition: int, values: Mapping[bytes, bytes]) -> None:
        """Store values, all or none."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in values.items():
            batch.put(key, value)
        self._store._db_for_partition(partition).write(batch)

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values of a partition, Faust's own offset among them."""
        yield from self._store._db_for_partition(partition).items()

    def has(self, partition: int) -> bool:
        """Whether the partition's database is open here."""
        return partition in self._store._dbs

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Write down up to which offset of the changelog the partition's database is."""
        self._store.set_persisted_offset(tp, offset)
