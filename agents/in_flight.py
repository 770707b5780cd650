"""Batches whose effects wait for the broker: acknowledged in order, and never more of one user than
its row can remember.

That bound is what makes a replay complete: a decision is dropped from its user's row only after the
broker has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from fraud_app.kafka.producer import Offsets
from tables.user_row import MAX_PENDING


class InFlightBatch(NamedTuple):
    """A batch on its way to the broker."""

    users: Counter[str]
    """Decisions by user."""
    sent: asyncio.Future[Offsets]
    acknowledge: Callable[[Offsets], None]
    """Called with the offsets of what was sent, once all of it is acknowledged and all earlier
    batches are done.
    """


class InFlightBatches:
    """At most `limit` batches on their way. `on_failure` is told why nothing more may be
    acknowledged, and nothing is after it.
    """

    def __init__(self, limit: int, on_failure: Callable[[BaseException], None]) -> None:
        self._limit, self._on_failure = limit, on_failure
        self._users: Counter[str] = Counter()
        self._batches: deque[InFlightBatch] = deque()
        self._capacity_freed = asyncio.Event()
        self._aborted = False

    async def wait_for_capacity(self, users: Counter[str]) -> None:
        """Wait until so many transactions of each of these users may be decided."""
        while not self._fits(users):
            self._capacity_freed.clear()
            await self._capacity_freed.wait()

    def _fits(self, users: Counter[str]) -> bool:
        return len(self._batches) < self._limit and all(
            self._users[user] + count <= MAX_PENDING for user, count in users.items()
        )

    def submit(self, batch: InFlightBatch) -> None:
        """Acknowledge the batch when the broker has it and every batch before it."""
        self._users.update(batch.users)
        self._batches.append(batch)
        batch.sent.add_done_callback(self._acknowledge_in_order)

    def abort(self) -> None:
        """Acknowledge nothing any more."""
        self._aborted = True

    def _acknowledge_in_order(self, _: Any) -> None:
        """What was sent later waits for what was sent before."""
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
    """Split a batch into ranges in which no user comes more often than its row can remember. None:
    of no user.

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
