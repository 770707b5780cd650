"""Batches whose effects wait for the broker: acknowledged in order, and never more of one user than its row can remember.

That bound is what makes a replay complete: a decision is dropped from its user's row only after the broker has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from fraud_app.kafka.producer import Offsets
from tables.user_row import PENDING


class Flight(NamedTuple):
    users: Counter[str]
    sent: asyncio.Future[Offsets]
    done: Callable[[Offsets], None]
    """Called with the offsets of what was sent, once all of it is acknowledged and all earlier flights are done."""


class InFlight:
    """At most `most` batches on their way. `failed` is told why nothing more may be acknowledged, and nothing is after it."""

    def __init__(self, most: int, failed: Callable[[BaseException], None]) -> None:
        self._most, self._failed = most, failed
        self._users: Counter[str] = Counter()
        self._flights: deque[Flight] = deque()
        self._landed = asyncio.Event()
        self._grounded = False

    async def room(self, users: Counter[str]) -> None:
        """Wait until these users' payments may be decided."""
        while not self._fits(users):
            self._landed.clear()
            await self._landed.wait()

    def _fits(self, users: Counter[str]) -> bool:
        return len(self._flights) < self._most and all(
            self._users[user] + count <= PENDING for user, count in users.items()
        )

    def take_off(self, flight: Flight) -> None:
        self._users.update(flight.users)
        self._flights.append(flight)
        flight.sent.add_done_callback(self._land)

    def ground(self) -> None:
        """Acknowledge nothing any more."""
        self._grounded = True

    def _land(self, _: Any) -> None:
        """In order: what was sent later waits for what was sent before."""
        while not self._grounded and self._flights and self._flights[0].sent.done():
            flight = self._flights[0]
            try:
                flight.done(flight.sent.result())
            except (Exception, asyncio.CancelledError) as error:
                self._grounded = True
                self._failed(error)
                return
            self._flights.popleft()
            self._users -= flight.users
            self._landed.set()


def parts(users: Sequence[str | None]) -> Iterator[tuple[int, int]]:
    """Split a batch into ranges in which no user comes more often than its row can remember. None: of no user.

    >>> list(parts(["a", "b", "a", "a", "a", "a", None]))
    [(0, 5), (5, 7)]
    """
    start, counts = 0, Counter[str]()
    for place, user in enumerate(users):
        if user is None:
            continue
        if counts[user] == PENDING:
            yield start, place
            start, counts = place, Counter()
        counts[user] += 1
    if start < len(users):
        yield start, len(users)
