"""Requests that wait for a transaction's decision."""

from __future__ import annotations

import asyncio
from collections import defaultdict


class DecisionWaiters:
    """Decisions by transaction id, handed to whoever waits for them on this worker."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        """Set when somebody begins to wait for what comes through the live feed."""
        self._futures: dict[str, list[asyncio.Future[bytes]]] = defaultdict(list)

    def expect(self, transaction_id: str) -> asyncio.Future[bytes]:
        """A future for the scored message. Call before publishing, and `forget` it in the end."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._futures[transaction_id].append(future)
        self.wanted.set()
        return future

    def resolve(self, transaction_id: str, scored: bytes) -> None:
        for future in self._futures.get(transaction_id, ()):
            if not future.done():
                future.set_result(scored)

    def forget(self, transaction_id: str, future: asyncio.Future[bytes]) -> None:
        futures = self._futures[transaction_id]
        futures.remove(future)
        if not futures:
            del self._futures[transaction_id]

    def __bool__(self) -> bool:
        return bool(self._futures)
