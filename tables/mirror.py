"""Copies of the user rows in Redis, so that any worker can answer `/score` for any user. Never read
for scoring the stream.

Rows are copied in batches off the hot path; only a newer copy replaces an older one. When Redis was
away or was wiped, all rows of this worker's partitions are copied anew, slowly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from tables.redis.client import RedisClient, RedisUnavailable

log = logging.getLogger(__name__)

PREFIX = "row:"
MARK_PREFIX = "mirror:epoch:"
"""With a worker's id: exists as long as Redis was not wiped since that worker's rebuild."""
EXPIRE_S = 30 * 86_400
BATCH = 200
DEADLINE_S = 1.0
MOST_WAITING = 50_000
REBUILD_PAUSE_S = 0.02
WIPE_CHECK_S = 1.0

# KEYS: one a row; ARGV: the rows. Epoch and offset are at bytes 2 to 13 of a row, little endian
# (tables/user_row.py).
_SCRIPT = f"""
local function position(row) return struct.unpack('<I4i8', string.sub(row, 2, 13)) end
local stored = 0
for at, key in ipairs(KEYS) do
  local head = redis.call('GETRANGE', key, 0, 12)
  local newer = true
  if #head == 13 then
    local old_epoch, old_offset = position(head)
    local epoch, offset = position(ARGV[at])
    newer = epoch > old_epoch or (epoch == old_epoch and offset >= old_offset)
  end
  if newer then
    redis.call('SET', key, ARGV[at], 'EX', {EXPIRE_S})
    stored = stored + 1
  end
end
return stored
"""

Rows = Callable[[], Iterator[tuple[str, bytes]]]


class Mirror:
    """`put` rows that changed; `run` copies them until it is cancelled."""

    def __init__(self, link: RedisClient, interval_ms: int, worker_id: str, all_rows: Rows) -> None:
        self._link = link
        self._interval_s = interval_ms / 1000
        self._mark = MARK_PREFIX + worker_id
        self._all_rows = all_rows
        self._copy = link.client.register_script(_SCRIPT)
        self._waiting: dict[str, bytes] = {}
        self._rebuild = False
        self.copied = 0
        self.rebuilds = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(self, rows: Mapping[str, bytes]) -> None:
        """Remember changed rows; the latest of a user wins. While Redis is away they are dropped
        and a rebuild is owed.
        """
        if len(self._waiting) < MOST_WAITING:
            self._waiting.update(rows)
        else:
            self._rebuild = True

    def rebuild_soon(self) -> None:
        """Copy all rows again: after partitions moved here."""
        self._rebuild = True

    async def run(self) -> None:
        """Copy what changed, and everything when it must be."""
        until_check = 0.0
        while True:
            await asyncio.sleep(self._interval_s)
            until_check -= self._interval_s
            try:
                if until_check <= 0:
                    until_check = WIPE_CHECK_S
                    if not await self._link.call(self._link.client.exists(self._mark), DEADLINE_S):
                        self._rebuild = True
                await self._flush()
                if self._rebuild:
                    await self._copy_all()
            except RedisUnavailable:
                self._waiting.clear()
                self._rebuild = True

    async def read(self, user_ids: Sequence[str], deadline_s: float) -> list[bytes | None]:
        """The mirrored rows of these users. Raises `RedisAway`."""
        rows: list[bytes | None] = await self._link.call(
            self._link.client.mget([PREFIX + user for user in user_ids]), deadline_s
        )
        return rows

    async def _flush(self) -> None:
        while self._waiting:
            users = list(self._waiting)[:BATCH]
            await self._store([(user, self._waiting.pop(user)) for user in users])

    async def _copy_all(self) -> None:
        self._rebuild = False
        # First: should Redis be wiped while the copy runs, the mark is gone with the rows and the
        # next check begins anew.
        await self._link.call(self._link.client.set(self._mark, 1), DEADLINE_S)
        copied, batch = 0, []
        for row in self._all_rows():
            batch.append(row)
            if len(batch) == BATCH:
                copied += await self._store(batch)
                batch = []
                await asyncio.sleep(REBUILD_PAUSE_S)
        if batch:
            copied += await self._store(batch)
        self.rebuilds += 1
        log.info("mirror_rebuilt", extra={"rows": copied})

    async def _store(self, rows: Sequence[tuple[str, bytes]]) -> int:
        stored: int = await self._link.call(
            self._copy(keys=[PREFIX + user for user, _ in rows], args=[row for _, row in rows]),
            DEADLINE_S,
        )
        self.copied += stored
        return stored
