"""The live feed: a Redis Stream of scored messages.

The ids of its entries are cursors, with which a client continues after an interruption.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tables.redis.client import RedisClient

KEY = "feed"
MAX_ENTRIES = 10_000
"""About so many entries are kept; a client that missed more is told that some are gone."""
DEADLINE_S = 1.0
"""Longer than for signals, since no decision waits for the feed."""
BLOCK_MS = 2_000
"""How long a read waits for a first entry."""
LOOK_BACK_MS = 1_000
"""How far before now a new client's cursor lies."""
FIELD = b"s"
"""The one field of an entry; a short name, since every entry stores it."""

_APPEND = f"""
for _, message in ipairs(ARGV) do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', {MAX_ENTRIES}, '*', '{FIELD.decode()}', message)
end
"""

_CURSOR = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")
_END = 2**64 - 1

Entry = tuple[str, bytes]
"""Stream id and scored message."""


async def append(redis: RedisClient, messages: Sequence[bytes]) -> None:
    """Append scored messages in one round trip. Raises `RedisUnavailable`."""
    await redis.call(redis.client.eval(_APPEND, 1, KEY, *messages), DEADLINE_S)


async def cursor_a_second_ago(redis: RedisClient) -> str:
    """The cursor after which the entries of the last second lie, by the clock of Redis.

    Raises `RedisUnavailable`.
    """
    seconds, microseconds = await redis.call(redis.client.time(), DEADLINE_S)
    return f"{seconds * 1000 + microseconds // 1000 - LOOK_BACK_MS}-0"


async def after(redis: RedisClient, cursor: str, limit: int = 500) -> list[Entry]:
    """The next entries after the cursor; waits up to two seconds for the first one.

    Raises `RedisUnavailable`.
    """
    answer = await redis.call(
        redis.client.xread({KEY: cursor}, count=limit, block=BLOCK_MS), BLOCK_MS / 1000 + DEADLINE_S
    )
    if not answer:
        return []
    entries = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return [(entry_id.decode(), fields[FIELD]) for entry_id, fields in entries]


async def since(redis: RedisClient, cursor: str, limit: int) -> tuple[list[Entry], bool]:
    """The newest entries after the cursor, and whether some between are missing.

    At most `limit` entries, oldest first. Raises `RedisUnavailable`.
    """
    entries = await redis.call(
        redis.client.xrevrange(KEY, min=f"({cursor}", count=limit), DEADLINE_S
    )
    first = await redis.call(redis.client.xrange(KEY, count=1), DEADLINE_S)
    oldest = first[0][0].decode() if first else cursor
    may_lack_some = len(entries) == limit or position(oldest) > position(cursor)
    newest = [(entry_id.decode(), fields[FIELD]) for entry_id, fields in reversed(entries)]
    return newest, may_lack_some and bool(entries)


def position(cursor: str) -> tuple[int, int]:
    """A stream id as milliseconds and sequence number. Raises `ValueError` for anything else, also
    for the last id of all, after which Redis can look for nothing.

    >>> position("1764000000000-3"), position("7")
    ((1764000000000, 3), (7, 0))
    """
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise ValueError("a cursor is milliseconds-number")
    ms, sequence = int(parts[1]), int(parts[2] or 0)
    if ms >= _END or sequence >= _END:
        raise ValueError("a cursor has two numbers of 64 bits")
    return ms, sequence
