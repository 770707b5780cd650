"""Batches whose effects wait for the broker's acknowledgement.

They are acknowledged in order, and never hold more decisions of one user than its row can remember.
That bound makes a replay complete: a decision leaves its user's row only after the broker has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from fraud_app.kafka.producer import Offsets
from tables.user_row import MAX_PENDING


class InFlightBatch(NamedTuple):
    """A batch whose messages were handed to the producer."""

    users: Counter[str]
    """Number of decisions by user."""
    sent: asyncio.Future[Offsets]
    """Done when the broker has all messages of the batch."""
    acknowledge: Callable[[Offsets], None]
    """Called with the result of `sent`, after all earlier batches were acknowledged."""


class InFlightBatches:
    """At most `limit` batches at once.

    `on_failure` is called with the error after which nothing more is acknowledged.
    """

    def __init__(self, limit: int, on_failure: Callable[[BaseException], None]) -> None:
        self._limit, self._on_failure = limit, on_failure
        self._users: Counter[str] = Counter()
        self._batches: deque[InFlightBatch] = deque()
        self._capacity_freed = asyncio.Event()
        """Set when a batch was acknowledged."""
        self._aborted = False

    async def wait_for_capacity(self, users: Counter[str]) -> None:
        """Wait until so many more transactions of each of these users may be decided."""
        while not self._fits(users):
            self._capacity_freed.clear()
            await self._capacity_freed.wait()

    async def wait_until_empty(self) -> None:
        """Wait until every batch is acknowledged."""
        while self._batches:
            self._capacity_freed.clear()
            await self._capacity_freed.wait()

    def _fits(self, users: Counter[str]) -> bool:
        return len(self._batches) < self._limit and all(
            self._users[user] + count <= MAX_PENDING for user, count in users.items()
        )

    def submit(self, batch: InFlightBatch) -> None:
        """Acknowledge the batch once the broker has it and every earlier batch."""
        self._users.update(batch.users)
        self._batches.append(batch)
        batch.sent.add_done_callback(self._acknowledge_in_order)

    def abort(self) -> None:
        """Acknowledge nothing from now on."""
        self._aborted = True

    def _acknowledge_in_order(self, _: Any) -> None:
        """Acknowledge the oldest batches that are done; a later one waits for an earlier one."""
        while not self._aborted and self._batches and self._batches[0].sent.done():
            batch = self._batches[0]
            try:
                batch.acknowledge(batch.sent.result())
            except (Exception, asyncio.CancelledError) as error:
                self._aborted = True
                self._on_failure(error)
                return
            self._batches.popleft()
            self._users -= batch.users
            self._capacity_freed.set()


def split_by_user_limit(users: Sequence[str | None]) -> Iterator[tuple[int, int]]:
    """Split a batch into ranges in which no user comes more often than its row can remember.

    `users`: of each record; None for a record without a user. The ranges are (start, end) pairs.

    >>> list(split_by_user_limit(["a", "b", "a", "a", "a", "a", None]))
    [(0, 5), (5, 7)]
    """
    start, counts = 0, Counter[str]()
    for index, user in enumerate(users):
        if user is None:
            continue
        if counts[user] == MAX_PENDING:
            yield start, index
            start, counts = index, Counter()
        counts[user] += 1
    if start < len(users):
        yield start, len(users)
