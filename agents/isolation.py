"""Finds the one record of a batch that cannot be processed, so that it stops nothing else.

Pure but for what it is given. The order of the items is kept, and no item is applied twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")

Prepare = Callable[[Sequence[Item]], Awaitable[Prepared]]
"""Computes the effects of items without any effect; may raise anything."""
Apply = Callable[[Sequence[Item], Prepared], Awaitable[None]]
"""Carries out what was prepared; what it raises is not the items' fault."""
Refuse = Callable[[Item, Exception], Awaitable[bool]]
"""Called when an item failed by itself, twice or more; whether it is dealt with. If not, it is
tried again.
"""


async def process_in_halves(
    items: Sequence[Item],
    prepare: Prepare[Item, Prepared],
    apply: Apply[Item, Prepared],
    refuse: Refuse[Item],
) -> None:
    """Prepare and apply items in order. Where that fails, halve until the one item is found, and
    try it once more alone before it is refused. Later items see the effects of earlier ones.

    Raises what `apply` and `refuse` raise, and `MemoryError`, which is no item's fault.
    """
    try:
        prepared = await prepare(items)
    except MemoryError:
        raise
    except Exception as error:
        if len(items) == 1:
            await _try_alone(items, prepare, apply, refuse)
            return
        if not items:
            raise error
        half = len(items) // 2
        await process_in_halves(items[:half], prepare, apply, refuse)
        await process_in_halves(items[half:], prepare, apply, refuse)
        return
    await apply(items, prepared)


async def _try_alone(
    item: Sequence[Item],
    prepare: Prepare[Item, Prepared],
    apply: Apply[Item, Prepared],
    refuse: Refuse[Item],
) -> None:
    while True:
        try:
            prepared = await prepare(item)
        except MemoryError:
            raise
        except Exception as error:
            if await refuse(item[0], error):
                return
        else:
            await apply(item, prepared)
            return
