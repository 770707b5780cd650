"""Whether this process is still a member of its consumer group, as far as it can know.

The broker gives the partitions of a member away that it has not heard for the session timeout. A
process that was frozen (a paused container, a machine that slept) does not notice: it goes on with
what it had, while another worker decides the same records. So nothing may be stored or sent unless
a heartbeat that the broker has answered is younger than the session timeout.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fraud_app.errors import FraudError

SHARE_OF_SESSION = 0.8
"""How much of the session timeout counts. The rest is for what is on its way when it ends."""
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where the system has such a clock."""


def seconds() -> float:
    """Seconds of a clock that nobody sets and that does not stop."""
    return time.clock_gettime(CLOCK)


class MembershipLost(FraudError):
    """The partitions may be another worker's by now: their records must be read again."""


class Membership:
    """When the broker last confirmed that this process is a member of its group."""

    def __init__(self, session_timeout_s: float, clock: Callable[[], float] = seconds) -> None:
        self._valid_s = session_timeout_s * SHARE_OF_SESSION
        self._clock = clock
        self._confirmed_at = float("-inf")
        self._is_lost = False
        self._changed = asyncio.Event()

    @property
    def is_certain(self) -> bool:
        """Whether no other worker can have been given the partitions."""
        return not self._is_lost and self._clock() - self._confirmed_at < self._valid_s

    def confirm(self, asked_at: float) -> None:
        """The broker has answered a heartbeat that was sent at `asked_at`."""
        self._confirmed_at = max(self._confirmed_at, asked_at)
        self._changed.set()

    def join(self) -> None:
        """Partitions were assigned: what was lost before is over."""
        self._is_lost = False
        self.confirm(self._clock())

    def lose(self) -> None:
        """The broker does not know this member any more."""
        self._is_lost = True
        self._changed.set()

    async def require(self) -> None:
        """Return when the membership is certain. Raises `MembershipLost` when it is over."""
        while not self.is_certain:
            if self._is_lost:
                raise MembershipLost
            self._changed.clear()
            await self._changed.wait()


def follow(coordinator: Any, membership: Membership) -> None:
    """Let a membership know what aiokafka's coordinator learns from its broker."""
    send_heartbeat, reset_generation = coordinator._do_heartbeat, coordinator.reset_generation

    async def heartbeat() -> bool:
        asked_at = seconds()
        answered: bool = await send_heartbeat()
        if answered:
            membership.confirm(asked_at)
        return answered

    def reset() -> None:
        membership.lose()
        reset_generation()

    coordinator._do_heartbeat, coordinator.reset_generation = heartbeat, reset
