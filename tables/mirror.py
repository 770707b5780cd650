"""Copies of the user rows in Redis, so that any worker can answer `/score` for any user.

They are never read for scoring the stream. Rows are copied in batches, away from the hot path, and
only a newer copy replaces an older one. After an outage or a loss of Redis's data, all rows of this
worker's partitions are copied again, slowly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from tables.redis.client import RedisClient, RedisUnavailable

log = logging.getLogger(__name__)

PREFIX = "row:"
MARK_PREFIX = "mirror:epoch:"
"""Followed by a worker's id. The key is lost together with the rows: while it exists, Redis has
kept its data since the last rebuild by that worker.
"""
EXPIRE_S = 30 * 86_400
"""A user's row leaves the mirror 30 days after the last copy."""
BATCH = 200
"""Rows of one call: few enough that Redis is not held up for long."""
DEADLINE_S = 1.0
"""Nobody waits for a copy, so it may take longer than a read."""
MOST_WAITING = 50_000
"""At most 4 KiB each; beyond it, rows are dropped and all are copied again."""
REBUILD_PAUSE_S = 0.02
"""Pause between two batches of a rebuild, so that it does not hold up scoring."""
WIPE_CHECK_S = 1.0
"""Time between two checks whether Redis has lost its data."""

# KEYS: one for each row. ARGV: the rows. Epoch and offset are bytes 2 to 13 of a row, counted from
# 1, little endian (tables/user_row.py).
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
"""Gives all rows that this worker owns now, each with its user id."""


class Mirror:
    """Takes changed rows with `put`; `run` copies them until it is cancelled."""

    def __init__(
        self, redis: RedisClient, interval_ms: int, worker_id: str, all_rows: Rows
    ) -> None:
        self._redis = redis
        self._interval_s = interval_ms / 1000
        self._mark = MARK_PREFIX + worker_id
        self._all_rows = all_rows
        self._copy = redis.client.register_script(_SCRIPT)
        self._waiting: dict[str, bytes] = {}
        self._rebuild_is_due = False
        self.copied = 0
        """Rows stored since the start, without those that were older than their copy."""
        self.rebuilds = 0

    @property
    def waiting(self) -> int:
        """Number of changed rows that are not copied yet."""
        return len(self._waiting)

    def put(self, rows: Mapping[str, bytes]) -> None:
        """Remember changed rows, of each user the latest. When too many wait, a rebuild is due."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.update(rows)
        else:
            self._rebuild_is_due = True

    def rebuild_soon(self) -> None:
        """Copy all rows again, for example after partitions moved here."""
        self._rebuild_is_due = True

    async def run(self) -> None:
        """Copy the changed rows at each interval, and all rows when a rebuild is due.

        While Redis is unavailable, changed rows are dropped and a rebuild is due.
        """
        until_check = 0.0
        while True:
            await asyncio.sleep(self._interval_s)
            until_check -= self._interval_s
            try:
                if until_check <= 0:
                    until_check = WIPE_CHECK_S
                    if not await self._redis.call(
                        self._redis.client.exists(self._mark), DEADLINE_S
                    ):
                        self._rebuild_is_due = True
                await self._flush()
                if self._rebuild_is_due:
                    await self._copy_all()
            except RedisUnavailable:
                self._waiting.clear()
                self._rebuild_is_due = True

    async def read(self, user_ids: Sequence[str], deadline_s: float) -> list[bytes | None]:
        """The rows of these users, None for one without a copy. Raises `RedisUnavailable`."""
        rows: list[bytes | None] = await self._redis.call(
            self._redis.client.mget([PREFIX + user for user in user_ids]), deadline_s
        )
        return rows

    async def _flush(self) -> None:
        while self._waiting:
            users = list(self._waiting)[:BATCH]
            await self._store([(user, self._waiting.pop(user)) for user in users])

    async def _copy_all(self) -> None:
        self._rebuild_is_due = False
        # The mark comes first: should Redis lose its data while the copy runs, the mark is lost
        # with the rows, and the next check starts another rebuild.
        await self._redis.call(self._redis.client.set(self._mark, 1), DEADLINE_S)
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
        stored: int = await self._redis.call(
            self._copy(keys=[PREFIX + user for user, _ in rows], args=[row for _, row in rows]),
            DEADLINE_S,
        )
        self.copied += stored
        return stored
