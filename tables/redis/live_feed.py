"""The live feed: a Redis Stream of scored messages. Its ids are the cursor by which a client goes
on after a break.
"""

from __future__ import annotations

from collections.abc import Sequence

from tables.redis.client import RedisClient

KEY = "feed"
MAX_ENTRIES = 10_000
DEADLINE_S = 1.0
BLOCK_MS = 2_000
LOOK_BACK_MS = 1_000
FIELD = b"s"

_APPEND = f"""
for _, message in ipairs(ARGV) do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', {MAX_ENTRIES}, '*', '{FIELD.decode()}', message)
end
"""

Entry = tuple[str, bytes]
"""Stream id and scored message."""


async def append(link: RedisClient, messages: Sequence[bytes]) -> None:
    """Add scored messages in one round trip. Raises `RedisAway`."""
    await link.call(link.client.eval(_APPEND, 1, KEY, *messages), DEADLINE_S)


async def cursor_a_second_ago(link: RedisClient) -> str:
    """The id after which everything of the last second lies, by the server's own clock. Raises
    `RedisAway`.
    """
    seconds, microseconds = await link.call(link.client.time(), DEADLINE_S)
    return f"{seconds * 1000 + microseconds // 1000 - LOOK_BACK_MS}-0"


async def after(link: RedisClient, cursor: str, limit: int = 500) -> list[Entry]:
    """What came after the cursor, waiting up to two seconds for the first. Raises `RedisAway`."""
    answer = await link.call(
        link.client.xread({KEY: cursor}, count=limit, block=BLOCK_MS), BLOCK_MS / 1000 + DEADLINE_S
    )
    if not answer:
        return []
    entries = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return [(entry_id.decode(), fields[FIELD]) for entry_id, fields in entries]


async def since(link: RedisClient, cursor: str, limit: int) -> tuple[list[Entry], bool]:
    """The entries after the cursor, at most `limit` of the newest, and whether some in between are
    gone.
    """
    entries = await link.call(link.client.xrevrange(KEY, min=f"({cursor}", count=limit), DEADLINE_S)
    first = await link.call(link.client.xrange(KEY, count=1), DEADLINE_S)
    oldest = first[0][0].decode() if first else cursor
    lost = len(entries) == limit or position(oldest) > position(cursor)
    return [
        (entry_id.decode(), fields[FIELD]) for entry_id, fields in reversed(entries)
    ], lost and bool(entries)


def position(cursor: str) -> tuple[int, int]:
    """A stream id as two numbers. Raises `ValueError` for anything else."""
    ms, _, sequence = cursor.partition("-")
    return int(ms), int(sequence or 0)
