"""Kafka, Redis and PostgreSQL together: started in parallel, stopped in order, and their addresses
as settings. It starts none of the product's own processes.
"""

from __future__ import annotations

import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from devtools.stack import kafka, ports, postgres, redis_server
from devtools.stack.process import ServerProcess
from devtools.stack.say import Say
from fraud_app.settings import ROOT

HOME = ROOT / ".fraud"
DOWNLOADS = HOME / "downloads"


class Stack:
    """The three servers with their data under one directory."""

    def __init__(self, directory: Path, say: Say = print) -> None:
        self.directory = directory
        self._say = say
        self.kafka: ServerProcess | None = None
        self.redis: ServerProcess | None = None
        self.postgres: ServerProcess | None = None
        self.ports: dict[str, int] = {}
        # The threads must outlive the servers: a child process ends with the thread that started
        # it (PR_SET_PDEATHSIG).
        self._threads = ThreadPoolExecutor(3)

    def start(self, preferred: dict[str, int] | None = None) -> None:
        """Start all three and wait until they answer. Raises `StartFailed`.

        `preferred`: the port to try first for kafka, redis and postgres; without it any free one.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._password = self._read_or_create_password()
        for name in ("kafka", "redis", "postgres"):
            wanted = (preferred or {}).get(name)
            self.ports[name] = ports.next_free(wanted) if wanted else ports.any_free()
            if wanted and self.ports[name] != wanted:
                self._say(f"port {wanted} is in use: {name} takes {self.ports[name]}")
        starts = (self.start_kafka, self.start_redis, self.start_postgres)
        for future in [self._threads.submit(start) for start in starts]:
            future.result()

    def start_kafka(self) -> None:
        """Start the broker on its port; downloads Kafka the first time."""
        if not (DOWNLOADS / f"kafka-{kafka.VERSION}" / "complete").exists():
            self._say(f"downloading Kafka {kafka.VERSION} (46 MB, once)")
        self.kafka = kafka.start(self.directory / "kafka", DOWNLOADS, self.ports["kafka"])
        self._say(f"Kafka {kafka.VERSION} on 127.0.0.1:{self.ports['kafka']}")

    def start_redis(self) -> None:
        """Start the Redis-protocol server on its port."""
        self.redis = redis_server.start(
            self.directory / "redis", self.ports["redis"], self._password
        )
        self._say(f"Redis ({Path(redis_server.binary()).name}) on 127.0.0.1:{self.ports['redis']}")

    def start_postgres(self) -> None:
        """Start PostgreSQL on its port."""
        self.postgres = postgres.start(
            self.directory / "postgres", self.ports["postgres"], self._password
        )
        self._say(f"PostgreSQL on 127.0.0.1:{self.ports['postgres']}")

    def kill(self, name: str) -> None:
        """kill -9 of `kafka`, `redis` or `postgres`, which was started."""
        server: ServerProcess = getattr(self, name)
        server.kill()

    def start_again(self, name: str) -> None:
        """Start `kafka`, `redis` or `postgres` on its port and with its data, after it ended.

        Raises `StartFailed`.
        """
        self._threads.submit(getattr(self, f"start_{name}")).result()

    def stop(self) -> None:
        """Stop the servers that were started, the broker last."""
        if self.postgres:
            postgres.stop(self.postgres)
        for server in (self.redis, self.kafka):
            if server:
                server.stop()

    def wipe(self) -> None:
        """Delete all data. Only while the servers are stopped."""
        shutil.rmtree(self.directory, ignore_errors=True)
        postgres.delete_fallback_directory(self.directory / "postgres")

    def environment(self) -> dict[str, str]:
        """The settings that make a worker use these servers. Only after `start`."""
        redis_address = f"127.0.0.1:{self.ports['redis']}"
        postgres_address = f"127.0.0.1:{self.ports['postgres']}"
        return {
            "FRAUD_KAFKA__BROKERS": f"127.0.0.1:{self.ports['kafka']}",
            "FRAUD_REDIS__URL": f"redis://:{self._password}@{redis_address}/0",
            "FRAUD_POSTGRES__DSN": f"postgresql://fraud:{self._password}@{postgres_address}/postgres",
        }

    def _read_or_create_password(self) -> str:
        """The password of Redis and PostgreSQL; it stays the same as long as the data does."""
        path = self.directory / "secret"
        with suppress(FileNotFoundError):
            return path.read_text()
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
        return path.read_text()
