"""A load hands out what is left of it, and counts only what was confirmed."""

import asyncio

from devtools.chaos.producers import BATCH, Load


async def test_a_batch_counts_as_confirmed_when_the_next_is_asked_for():
    load = Load([{"transaction_id": str(n)} for n in range(2 * BATCH)], 1e9, asyncio.Event())
    batches = load.batches()
    first = await anext(batches)
    assert load.confirmed == []
    await anext(batches)
    assert load.confirmed == list(first)
    assert [batch async for batch in batches] == []
    assert len(load.confirmed) == 2 * BATCH


async def test_it_ends_when_it_is_told_to_stop():
    stopping = asyncio.Event()
    load = Load([{}] * 10 * BATCH, 1e9, stopping)
    sent = 0
    async for _ in load.batches():
        sent += 1
        stopping.set()
    assert sent == 1
    assert len(load.confirmed) == BATCH
