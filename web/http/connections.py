"""The open connections of the server, within caps and time limits. A client that holds many, or
never finishes a request, must not cost the others theirs. Nothing is read or written here.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from fraud_app import metrics
from fraud_app.settings import Web

log = logging.getLogger(__name__)

SWEEP_S = 1.0
"""How often overdue connections are looked for."""
SEND_S = 30.0
"""Longest time for a client to take a response: a slow phone may, one that never reads may not."""
LOG_EVERY_S = 60.0
"""Least time between two log lines for the same reason: an attack must not fill the log."""


class Phase(Enum):
    """What a connection does."""

    RECEIVING = auto()
    """New, or in the middle of a request line or its headers."""
    HANDLING = auto()
    """A request is handled, or a WebSocket is open."""
    SENDING = auto()
    """A response is sent."""
    IDLE = auto()
    """Between two requests."""


class Limits(NamedTuple):
    total: int
    per_address: int
    seconds: dict[Phase, float]
    """Longest stay in a phase. Handling has none here: the middleware has."""


class Connection:
    """One open connection: whose it is, and what it has done since when (monotonic seconds)."""

    __slots__ = ("address", "close", "phase", "since")

    def __init__(self, address: str, close: Callable[[], None], now: float) -> None:
        self.address, self.close = address, close
        self.phase, self.since = Phase.RECEIVING, now

    def enter(self, phase: Phase) -> None:
        """From now on it does this."""
        self.phase, self.since = phase, time.monotonic()


class Connections:
    """All open connections. When there is no room for another one, the one that has taken longest
    over a request gives way, then the one that has been idle longest; never one that is served.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[Connection, None] = {}  # a set that keeps the order
        self._by_address: Counter[str] = Counter()
        self._logged_at: dict[str, float] = {}
        self._swept_at = time.monotonic()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, address: str, close: Callable[[], None]) -> Connection | None:
        """A new connection, or None when there is no room for it. `close` ends it."""
        if self._by_address[address] >= self._limits.per_address and not self._make_room(
            "too_many_from_address", address
        ):
            return None
        if len(self._open) >= self._limits.total and not self._make_room("too_many", None):
            return None
        connection = Connection(address, close, time.monotonic())
        self._open[connection] = None
        self._by_address[address] += 1
        metrics.HTTP_CONNECTIONS.set(len(self._open))
        return connection

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        if connection not in self._open:
            return
        del self._open[connection]
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        metrics.HTTP_CONNECTIONS.set(len(self._open))

    def sweep(self) -> None:
        """End what has stayed too long in its phase.

        After a pause of this process nothing is ended: what came meanwhile is still to be read.
        """
        now = time.monotonic()
        paused = now - self._swept_at > 2 * SWEEP_S
        self._swept_at = now
        if paused:
            return
        for connection in list(self._open):
            longest = self._limits.seconds.get(connection.phase)
            if longest is not None and now - connection.since > longest:
                self._end(connection, f"{connection.phase.name.lower()}_too_long")

    def _make_room(self, reason: str, address: str | None) -> bool:
        """End the most dispensable connection (of this address); False when all are served."""
        candidates = [
            connection
            for connection in self._open
            if connection.phase in (Phase.RECEIVING, Phase.IDLE)
            and address in (None, connection.address)
        ]
        if candidates:
            self._end(min(candidates, key=_dispensability), reason)
        else:
            self._say(reason, address or "")
        return bool(candidates)

    def _end(self, connection: Connection, reason: str) -> None:
        if connection.phase is not Phase.IDLE or reason.startswith("too_many"):
            self._say(reason, connection.address)
        self.forget(connection)
        connection.close()

    def _say(self, reason: str, address: str) -> None:
        """Count it, and log it now and then."""
        metrics.HTTP_CONNECTIONS_ENDED.labels(reason).inc()
        now = time.monotonic()
        if now - self._logged_at.get(reason, -LOG_EVERY_S) >= LOG_EVERY_S:
            self._logged_at[reason] = now
            log.warning(
                "http_connections_ended",
                extra={"reason": reason, "address": address, "open": len(self._open)},
            )


def limits_of(web: Web) -> Limits:
    """The limits that the settings give."""
    return Limits(
        web.connections,
        web.connections_per_address,
        {
            Phase.RECEIVING: web.header_timeout_s,
            Phase.IDLE: web.keepalive_timeout_s,
            Phase.SENDING: SEND_S,
        },
    )


def address_of(peername: object) -> str:
    """Whose connection it is: the address of the peer, of IPv6 its /64, since one host has all of
    it; empty for a local socket.

    >>> address_of(("2001:db8::1", 50000, 0, 0)), address_of(("203.0.113.9", 50000)), address_of("")
    ('2001:db8::', '203.0.113.9', '')
    """
    if not isinstance(peername, tuple):
        return ""
    host = str(peername[0])
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address) >> 64 << 64))


def _dispensability(connection: Connection) -> tuple[bool, float]:
    return connection.phase is Phase.IDLE, connection.since
