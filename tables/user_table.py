"""The Faust table of user rows: RocksDB beside the worker, a changelog in Kafka, partitions as in
`transactions.raw`.

Rows are read and written by partition, not through the mapping interface: that one works only
inside a stream's own iteration, sends each changelog record by itself and lets a failed send pass.
Faust keeps assignment, standby and recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import faust
from faust.types import TP

from fraud_app.contracts.message import Message
from fraud_app.kafka.producer import Offsets, ProduceBatch
from fraud_app.kafka.table_store import TableStore
from tables.user_row import may_be_row, position

NAME = "user_rows"
_PREFIX = b"u:"
"""Of the keys of users."""
# RocksDB's own defaults are meant for a server: 2 GiB of cache and 192 MiB of memtables for each
# partition.
_OPTIONS = {
    "driver": "rocksdict",
    "write_buffer_size": 8 << 20,
    "max_write_buffer_number": 2,
    "block_cache_size": 32 << 20,
    "max_open_files": 256,
}


def key_of(user_id: str) -> bytes:
    """The key of a user. The prefix keeps every id apart from the offset that Faust stores among
    the keys.
    """
    return _PREFIX + user_id.encode()


def _is_row(key: bytes | None, value: bytes | None) -> bool:
    """Whether a changelog record is of this table: a row, or the removal of one."""
    is_ours = key is not None and key.startswith(_PREFIX)
    return is_ours and (value is None or may_be_row(value))


class UserTable(faust.Table[bytes, bytes]):
    """Rows by user, one database a partition."""

    _sent: dict[int, int]
    """By partition, the changelog offset up to which the broker has the rows, not yet noted."""

    @classmethod
    def register(cls, app: faust.App, partitions: int) -> UserTable:
        """The table of an application. `partitions`: as many as `transactions.raw` has."""
        table = cls(
            app,
            name=NAME,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            options=dict(_OPTIONS),
            beacon=app.tables.beacon,
            help="profile, position and latest decisions of each user",
            extra_topic_configs={"cleanup.policy": "compact"},
        )
        table._sent = {}
        app.tables.add(table)
        return table

    @cached_property
    def _databases(self) -> TableStore:
        return TableStore(self)

    def read(self, partition: int, user_id: str) -> bytes | None:
        """The row of a user in a partition of this worker. Raises when the database is damaged."""
        return self._databases.get(partition, key_of(user_id))

    def write(self, partition: int, rows: Mapping[str, bytes]) -> None:
        """Store rows locally, all or none."""
        self._databases.write(partition, {key_of(user): row for user, row in rows.items()})

    async def send_rows(
        self, produce: ProduceBatch, partition: int, rows: Mapping[str, bytes]
    ) -> None:
        """Send rows to the changelog."""
        records: list[Message] = [(key_of(user), row, []) for user, row in rows.items()]
        await produce.add(self.changelog_topic_name, partition, records)

    def rows_sent(self, offsets: Offsets) -> None:
        """Remember that the local database has everything up to these offsets of the changelog;
        those of other topics are left alone.
        """
        changelog = self.changelog_topic_name
        for (topic, partition), offset in offsets.items():
            if topic == changelog:
                self._sent[partition] = offset

    def note_offsets(self) -> None:
        """Write down how far the local database is. To be called now and then: behind only means
        more to read at a recovery.
        """
        for partition, offset in self._sent.items():
            if self._databases.has(partition):
                tp = TP(self.changelog_topic_name, partition)
                self._databases.set_persisted_offset(tp, offset)
        self._sent.clear()

    def rows(self, partition: int) -> Iterator[tuple[str, bytes]]:
        """All rows of one partition, by user id."""
        for key, row in self._databases.items(partition):
            if key.startswith(_PREFIX):
                yield key[len(_PREFIX) :].decode(), row

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recovery, without letting an older copy of a row replace a newer one.

        A worker that was taken for dead may still write to the changelog after its successor did.
        What a stranger wrote to it is passed over.
        """
        newest: dict[tuple[int, bytes], tuple[int, int]] = {}
        newer: list[Any] = []
        last_offsets: dict[TP, int] = {}
        for event in batch:
            message = event.message
            last_offsets[message.tp] = max(message.offset, last_offsets.get(message.tp, -1))
            if not _is_row(message.key, message.value):
                continue
            if message.value is not None:
                row = (message.partition, message.key)
                if row not in newest:
                    stored = self._databases.get(*row)
                    newest[row] = position(stored) if stored else (0, -1)
                if position(message.value) < newest[row]:
                    continue
                newest[row] = position(message.value)
            newer.append(event)
        super().apply_changelog_batch(newer)
        for tp, offset in last_offsets.items():
            self._databases.set_persisted_offset(tp, offset)
