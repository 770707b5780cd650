"""Finds free ports on loopback. It binds a port only to test it and never keeps it."""

from __future__ import annotations

import socket

TRIES = 50  # more servers than a developer runs beside each other


def is_free(port: int) -> bool:
    """Whether the port can be bound on loopback and no process listens on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return not answers(port)


def next_free(preferred: int) -> int:
    """The preferred port, or the next free one after it. Raises `OSError` when 50 ports in a row
    are in use.
    """
    for port in range(preferred, preferred + TRIES):
        if is_free(port):
            return port
    raise OSError(f"ports {preferred} to {preferred + TRIES - 1} are all in use")


def any_free() -> int:
    """A free port that the operating system chooses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether a process listens on the port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
