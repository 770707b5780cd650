"""The live feed: a Redis Stream of scored messages. Its ids are the cursor by which a client goes on after a break."""

from __future__ import annotations

from collections.abc import Sequence

from tables.redis_link import RedisLink

KEY = "feed"
KEPT = 10_000
DEADLINE_S = 1.0
BLOCK_MS = 2_000
FIELD = b"s"

Entry = tuple[str, bytes]
"""Stream id and scored message."""


async def append(link: RedisLink, messages: Sequence[bytes]) -> None:
    """Add scored messages in one round trip. Raises `RedisAway`."""
    pipeline = link.client.pipeline(transaction=False)
    for message in messages:
        pipeline.xadd(KEY, {FIELD: message}, maxlen=KEPT, approximate=True)
    await link.call(pipeline.execute(), DEADLINE_S)


async def newest_id(link: RedisLink) -> str:
    """The id after which everything is new."""
    last = await link.call(link.client.xrevrange(KEY, count=1), DEADLINE_S)
    return last[0][0].decode() if last else "0-0"


async def after(link: RedisLink, cursor: str, limit: int = 500) -> list[Entry]:
    """What came after the cursor, waiting up to two seconds for the first. Raises `RedisAway`."""
    answer = await link.call(
        link.client.xread({KEY: cursor}, count=limit, block=BLOCK_MS), BLOCK_MS / 1000 + DEADLINE_S
    )
    if not answer:
        return []
    entries = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return [(entry_id.decode(), fields[FIELD]) for entry_id, fields in entries]


async def since(link: RedisLink, cursor: str, limit: int) -> tuple[list[Entry], bool]:
    """The entries after the cursor, at most `limit` of the newest, and whether some in between are gone."""
    entries = await link.call(link.client.xrevrange(KEY, min=f"({cursor}", count=limit), DEADLINE_S)
    first = await link.call(link.client.xrange(KEY, count=1), DEADLINE_S)
    oldest = first[0][0].decode() if first else cursor
    lost = len(entries) == limit or position(oldest) > position(cursor)
    return [(entry_id.decode(), fields[FIELD]) for entry_id, fields in reversed(entries)], lost and bool(entries)


def position(cursor: str) -> tuple[int, int]:
    """A stream id as two numbers. Raises `ValueError` for anything else."""
    ms, _, sequence = cursor.partition("-")
    return int(ms), int(sequence or 0)
