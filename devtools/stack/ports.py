"""Free ports on loopback."""

from __future__ import annotations

import socket

TRIES = 50


def is_free(port: int) -> bool:
    """Whether the port can be bound on loopback and nobody listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def next_free(preferred: int) -> int:
    """The preferred port, or the next that is free. Raises `OSError` when 50 in a row are taken."""
    for port in range(preferred, preferred + TRIES):
        if is_free(port):
            return port
    raise OSError(f"ports {preferred} to {preferred + TRIES - 1} are all in use")


def any_free() -> int:
    """A port that the system says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
