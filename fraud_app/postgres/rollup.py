"""What the tables of counts have in common: how decisions are added to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import asyncpg


async def add_counts(
    connection: asyncpg.Connection,
    upsert: str,
    entries: Iterable[tuple[tuple[Any, ...], int | None]],
) -> None:
    """Add entries, each a row's key and an amount in cents, in a fixed order so that writers cannot
    deadlock; an entry without an amount is counted and changes no sum. `upsert` takes a column for
    each part of the key, then counts, then amounts in euros.
    """
    counts: Counter[tuple[Any, ...]] = Counter()
    cents: Counter[tuple[Any, ...]] = Counter()
    for key, amount in entries:
        counts[key] += 1
        cents[key] += amount or 0
    keys = sorted(counts)
    columns = [list(column) for column in zip(*keys, strict=True)]
    await connection.execute(
        upsert, *columns, [counts[key] for key in keys], [cents[key] / 100 for key in keys]
    )
