"""Batches whose effects wait for the broker: acknowledged in order, and never more of one user than its row can remember.

That bound is what makes a replay complete: a decision is dropped from its user's row only after the broker has it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

from fraud_app.sending import Offsets
from tables.user_row import PENDING


class Flight(NamedTuple):
    users: Counter[str]
    sent: Awaitable[Offsets]
    done: Callable[[Offsets], None]
    """Called with the offsets of what was sent, once all of it is acknowledged and all earlier flights are done."""


class InFlight:
    """At most `most` batches on their way. `land` must run as a task; when it fails, nothing more may be acknowledged."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._users: Counter[str] = Counter()
        self._flights: asyncio.Queue[Flight] = asyncio.Queue()
        self._flying = 0
        self._landed = asyncio.Condition()

    async def room(self, users: Counter[str]) -> None:
        """Wait until these users' payments may be decided."""

        def fits() -> bool:
            return self._flying < self._most and all(
                self._users[user] + count <= PENDING for user, count in users.items()
            )

        if not fits():
            async with self._landed:
                await self._landed.wait_for(fits)

    def take_off(self, flight: Flight) -> None:
        self._users.update(flight.users)
        self._flying += 1
        self._flights.put_nowait(flight)

    async def land(self) -> None:
        """Wait for what each flight sent, in order. Raises what its sending raised."""
        while True:
            flight = await self._flights.get()
            flight.done(await flight.sent)
            async with self._landed:
                self._users -= flight.users
                self._flying -= 1
                self._landed.notify_all()


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
