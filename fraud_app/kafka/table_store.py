"""The databases behind a Faust table, one a partition. Faust keeps these methods to itself.

A database that turns out to be damaged is moved aside and never read again. Found when it is
opened, an empty one takes its place, which Faust fills from the changelog before anything is read.
Found later, the process ends, and the next start does that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

import faust
import rocksdict
from faust.stores import rocksdb
from faust.types import TP

from fraud_app import metrics
from fraud_app.kafka import crash, database_files

log = logging.getLogger(__name__)

_BLOCKS_BYTES, _MEMTABLES_BYTES = 32 << 20, 64 << 20
"""For the databases of all partitions together, should one worker have them all."""
_LEAST_BYTES = 1 << 20
_MEMTABLES = 2
"""Of a database: one is written to while the other goes to the disk."""


def memory_options(partitions: int) -> dict[str, Any]:
    """What the database of one partition may use. RocksDB's own defaults are meant for a server: 2
    GiB of blocks and 192 MiB of memtables for each of them.

    >>> options = memory_options(4)
    >>> options["block_cache_size"] >> 20, options["write_buffer_size"] >> 20
    (8, 8)
    """
    return {
        "driver": "rocksdict",
        "write_buffer_size": max(_MEMTABLES_BYTES // _MEMTABLES // partitions, _LEAST_BYTES),
        "max_write_buffer_number": _MEMTABLES,
        "block_cache_size": max(_BLOCKS_BYTES // partitions, _LEAST_BYTES),
        "max_open_files": 256,
    }


class Databases(rocksdb.Store):
    """Faust's store, which survives damage."""

    def __init__(self, table: faust.Table[Any, Any]) -> None:
        super().__init__(
            "rocksdb://",
            table.app,
            table,
            table_name=table.name,
            key_type=table.key_type,
            value_type=table.value_type,
            options=table.options,
        )
        self.rebuilding: dict[int, Path] = {}
        """Partitions that are filled from the changelog, with where the damaged database is."""

    def _open_for_partition(self, partition: int) -> Any:
        path = self.partition_path(partition)
        is_new = not path.exists()
        damage = database_files.visible_damage(path)
        try:
            database = None if damage else super()._open_for_partition(partition)
        except Exception as error:
            if is_new or not database_files.is_damage(error):
                raise
            database, damage = None, str(error)
        if database is None:
            self.rebuilding[partition] = self._move_aside(partition, damage)
            database = super()._open_for_partition(partition)
        elif is_new and (moved := database_files.moved_aside(path)):
            self.rebuilding[partition] = moved[-1]
        database_files.note_files(path)
        metrics.DAMAGED_DATABASES.set(len(list(self.path.glob("*.damaged-*"))))
        return database

    def note_files(self) -> None:
        """Note of each open database what must stay until it is opened again.

        To be called in a thread: it reads directories.
        """
        for partition in list(self._dbs):
            database_files.note_files(self.partition_path(partition))

    def end_process(self, partition: int, error: Exception) -> NoReturn:
        """End the process for what RocksDB raised, with a damaged database moved aside.

        A full disk or too many open files are no record's fault either. Raises anything else.
        """
        if not database_files.is_from_rocksdb(error):
            raise error
        if database_files.is_damage(error):
            self._move_aside(partition, str(error))
        crash.end_process(f"the database of partition {partition} cannot be used", error)

    def _move_aside(self, partition: int, reason: str) -> Path:
        return database_files.move_aside(self.partition_path(partition), reason)

    def persisted_offset(self, tp: TP) -> int | None:
        try:
            return super().persisted_offset(tp)
        except Exception as error:
            if not database_files.is_damage(error):
                raise
            self.end_process(tp.partition, error)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        await super().on_recovery_completed(active_tps, standby_tps)
        for partition, damaged in self.rebuilding.items():
            log.warning(
                "database_rebuilt", extra={"partition": partition, "damaged_one": str(damaged)}
            )
        self.rebuilding.clear()


class DatabaseTable(faust.Table[bytes, bytes]):
    """A table with `Databases` as its store."""

    def _new_store_by_url(self, url: Any) -> Any:
        return Databases(self)

    @property
    def databases(self) -> Databases:
        return cast(Databases, self.data)


class TableStore:
    """Reads and writes by partition."""

    def __init__(self, databases: Databases) -> None:
        self._store = databases

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key in a partition of this worker."""
        try:
            value: bytes | None = self._store._db_for_partition(partition).get(key)
        except Exception as error:
            self._store.end_process(partition, error)
        return value

    def write(self, partition: int, values: Mapping[bytes, bytes | None]) -> None:
        """Store values, all or none; None deletes a key."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in values.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            self._store._db_for_partition(partition).write(batch)
        except Exception as error:
            self._store.end_process(partition, error)

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values of a partition, Faust's own offset among them."""
        try:
            entries = self._store._db_for_partition(partition).iter()
            entries.seek_to_first()
            while entries.valid():
                yield entries.key(), entries.value()
                entries.next()
            entries.status()  # at a damaged block RocksDB just ends; this raises
        except Exception as error:
            self._store.end_process(partition, error)

    def has(self, partition: int) -> bool:
        """Whether the partition's database is open here."""
        return partition in self._store._dbs

    @property
    def offset_key(self) -> bytes:
        """The key under which Faust stores the offset of the changelog."""
        key: bytes = self._store.offset_key
        return key
