"""The Faust table of user rows: RocksDB beside the worker, a changelog in Kafka, partitions as in
`transactions.raw`.

Rows are read and written by partition, not through the mapping interface: that one works only
inside a stream's own iteration, sends each changelog record by itself and lets a failed send pass.
Faust keeps assignment, standby and recovery.

A changelog that ends before what a database says it has read was deleted and made anew. The
databases then have what it lost: they read all of it, and send their rows to it again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, cast

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from fraud_app.contracts.message import Message
from fraud_app.kafka import compat, crash
from fraud_app.kafka.producer import Offsets, ProduceBatch
from fraud_app.kafka.table_store import DatabaseTable, TableStore, memory_options
from fraud_app.topics import BROKER_TIME
from tables.user_row import may_be_row, position

log = logging.getLogger(__name__)

NAME = "user_rows"
_PREFIX = b"u:"
"""Of the keys of users."""
_SEND_AGAIN = b"send-again"
"""A key that stands in a database while the changelog lacks rows of it."""
SEND_AGAIN_ROWS = 500
"""Rows that wait for the broker together, at most 2 MB."""
LOG_RECOVERY_EVERY_S = 5.0
_SOURCE_KEY = b"t:transactions.raw"
"""Of the topic's life that the rows belong to; see `source_topic`."""


def batched(rows: Iterable[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    """The rows in lists of at most `size`. Python 3.11 has no `itertools.batched`."""
    remaining = iter(rows)
    while part := list(islice(remaining, size)):
        yield part


def key_of(user_id: str) -> bytes:
    """The key of a user. The prefix keeps every id apart from the offset that Faust stores among
    the keys.
    """
    return _PREFIX + user_id.encode()


def _is_of_table(key: bytes | None, value: bytes | None) -> bool:
    """Whether a changelog record is of this table: a row, the topic's life, or the removal of
    either. The position of both is read alike.
    """
    is_ours = key is not None and (key.startswith(_PREFIX) or key == _SOURCE_KEY)
    return is_ours and (value is None or may_be_row(value))


class UserTable(DatabaseTable):
    """Rows by user, one database a partition."""

    _sent: dict[int, int]
    """By partition, the changelog offset up to which the broker has the rows, not yet noted."""
    _latest: dict[int, int]
    """By partition, the latest offset that its changelog is known to have had."""
    _recovery_logged_at: float

    @classmethod
    def register(cls, app: faust.App, partitions: int) -> UserTable:
        """The table of an application. `partitions`: as many as `transactions.raw` has."""
        table = cls(
            app,
            name=NAME,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            options=memory_options(partitions),
            beacon=app.tables.beacon,
            help="profile, position and latest decisions of each user",
            extra_topic_configs={"cleanup.policy": "compact", **BROKER_TIME},
        )
        table._sent, table._latest, table._recovery_logged_at = {}, {}, 0.0
        app.tables.add(table)
        return table

    @cached_property
    def _rows(self) -> TableStore:
        return TableStore(self.databases)

    @property
    def rebuilding(self) -> list[int]:
        """Partitions whose database was damaged and is filled from the changelog now."""
        return sorted(self.databases.rebuilding)

    def read(self, partition: int, user_id: str) -> bytes | None:
        """The row of a user in a partition of this worker."""
        return self._rows.get(partition, key_of(user_id))

    def write(self, partition: int, rows: Mapping[str, bytes]) -> None:
        """Store rows locally, all or none."""
        self._rows.write(partition, {key_of(user): row for user, row in rows.items()})

    async def send_rows(
        self, produce: ProduceBatch, partition: int, rows: Mapping[str, bytes]
    ) -> None:
        """Send rows to the changelog."""
        records: list[Message] = [(key_of(user), row, []) for user, row in rows.items()]
        await produce.add(self.changelog_topic_name, partition, records)

    def read_source(self, partition: int) -> bytes | None:
        """What is stored of the topic that the rows of a partition were counted from."""
        return self._rows.get(partition, _SOURCE_KEY)

    def write_source(self, partition: int, source: bytes) -> None:
        """Store that locally."""
        self._rows.write(partition, {_SOURCE_KEY: source})

    async def send_source(self, produce: ProduceBatch, partition: int, source: bytes) -> None:
        """Send that to the changelog."""
        await produce.add(self.changelog_topic_name, partition, [(_SOURCE_KEY, source, [])])

    def rows_sent(self, offsets: Offsets) -> None:
        """Remember that the local database has everything up to these offsets of the changelog;
        those of other topics are left alone. Ends the process when the changelog was made anew.
        """
        changelog = self.changelog_topic_name
        for (topic, partition), offset in offsets.items():
            if topic == changelog:
                if offset <= self._latest.get(partition, -1):
                    crash.end_process("the changelog was made anew: the next start fills it again")
                self._sent[partition] = self._latest[partition] = offset

    def note_offsets(self) -> None:
        """Write down how far the local database is. To be called now and then: behind only means
        more to read at a recovery.
        """
        for partition, offset in self._sent.items():
            if self._rows.has(partition):
                tp = TP(self.changelog_topic_name, partition)
                self.databases.set_persisted_offset(tp, offset)
        self._sent.clear()

    def rows(self, partition: int) -> Iterator[tuple[str, bytes]]:
        """All rows of one partition, by user id."""
        for key, row in self._rows.items(partition):
            if key.startswith(_PREFIX):
                yield key[len(_PREFIX) :].decode(), row

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recovery, without letting an older copy of a row replace a newer one.

        A worker that was taken for dead may still write to the changelog after its successor did.
        What a stranger wrote to it is passed over.
        """
        newer: dict[int, dict[bytes, bytes | None]] = {}
        last_offsets: dict[TP, int] = {}
        for event in batch:
            message = event.message
            last_offsets[message.tp] = max(message.offset, last_offsets.get(message.tp, -1))
            if not _is_of_table(message.key, message.value):
                continue
            rows = newer.setdefault(message.partition, {})
            if message.value is not None:
                stored = rows.get(message.key) or self._rows.get(message.partition, message.key)
                if stored and position(message.value) < position(stored):
                    continue
            rows[message.key] = message.value
        for partition, rows in newer.items():
            self._rows.write(partition, rows)
        for tp, offset in last_offsets.items():
            self.databases.set_persisted_offset(tp, offset)
        self._log_recovery()

    def _log_recovery(self) -> None:
        remaining = compat.to_recover(cast(faust.App, self.app))
        if remaining and time.monotonic() - self._recovery_logged_at > LOG_RECOVERY_EVERY_S:
            self._recovery_logged_at = time.monotonic()
            log.info("recovering", extra={"records": remaining, "rebuilding": self.rebuilding})

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Open the databases of new partitions, and find those that are newer than the changelog.

        The offset of such a one means nothing in the new changelog, so all of that will be read.
        """
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        changelogs = {tp for tp in newly_assigned if tp.topic == self.changelog_topic_name}
        try:
            ends = await self.app.consumer.highwaters(*changelogs) if changelogs else {}
        except KafkaError as error:  # recovery asks again, and ends the process if it must
            log.warning("changelog_not_compared", extra={"error": repr(error)})
            return
        for tp, end in ends.items():
            persisted, latest = self.persisted_offset(tp), (end or 0) - 1
            self._latest[tp.partition] = latest
            if persisted is not None and persisted > latest:
                values = {self._rows.offset_key: None, _SEND_AGAIN: b"1"}
                self._rows.write(tp.partition, values)
                log.critical(
                    "changelog_made_anew",
                    extra={"partition": tp.partition, "has": latest, "had": persisted},
                )

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Before anything is scored, send the rows that the changelog lacks."""
        await super().on_recovery_completed(active_tps, standby_tps)
        try:
            for tp in active_tps:
                if self._rows.get(tp.partition, _SEND_AGAIN):
                    await self._send_again(tp.partition)
        except Exception as error:  # Faust would not even log it
            crash.end_process("the rows could not be sent to the changelog again", error)

    async def _send_again(self, partition: int) -> None:
        if source := self.read_source(partition):
            produce = ProduceBatch(cast(faust.App, self.app))
            await self.send_source(produce, partition, source)
            self.rows_sent(await produce.acknowledged())
        sent = 0
        for rows in batched(self.rows(partition), SEND_AGAIN_ROWS):
            produce = ProduceBatch(cast(faust.App, self.app))
            await self.send_rows(produce, partition, dict(rows))
            self.rows_sent(await produce.acknowledged())
            sent += len(rows)
        self._rows.write(partition, {_SEND_AGAIN: None})
        log.warning("rows_sent_to_the_changelog", extra={"partition": partition, "rows": sent})
