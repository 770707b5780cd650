"""HTTP requests that wait for the decision of a transaction. Waiting must never delay scoring."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from fraud_app.contracts.transaction_key import TransactionKey


class DecisionWaiters:
    """Passes each decision to the requests of this worker that wait for this transaction."""

    def __init__(self) -> None:
        self.needed = asyncio.Event()
        """Set when a request or a client begins to wait; then the live feed must be followed."""
        self._futures: dict[TransactionKey, list[asyncio.Future[bytes]]] = defaultdict(list)

    def expect(self, key: TransactionKey) -> asyncio.Future[bytes]:
        """A future of the scored message (JSON). Call this before publishing, and `forget` at the
        end.
        """
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._futures[key].append(future)
        self.needed.set()
        return future

    def resolve(self, key: TransactionKey, scored: bytes) -> None:
        """Complete every future of this transaction with its scored message."""
        for future in self._futures.get(key, ()):
            if not future.done():
                future.set_result(scored)

    def forget(self, key: TransactionKey, future: asyncio.Future[bytes]) -> None:
        """Remove a future of `expect`. Raises `ValueError` when it was removed before."""
        futures = self._futures[key]
        futures.remove(future)
        if not futures:
            del self._futures[key]

    def __bool__(self) -> bool:
        """Whether any request waits."""
        return bool(self._futures)
