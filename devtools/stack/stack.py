"""Kafka, Redis and PostgreSQL together: started side by side, stopped in order, their addresses as
settings.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from devtools.stack import kafka, ports, postgres, redis_server
from devtools.stack.process import ServerProcess
from fraud_app.settings import ROOT

HOME = ROOT / ".fraud"
DOWNLOADS = HOME / "downloads"

Say = Callable[[str], None]


class Stack:
    """The three servers with their data under one directory."""

    def __init__(self, directory: Path, say: Say = print) -> None:
        self.directory = directory
        self._say = say
        self.kafka: ServerProcess | None = None
        self.redis: ServerProcess | None = None
        self.postgres: ServerProcess | None = None
        self.ports: dict[str, int] = {}
        # Kept for our lifetime: a child ends with the thread that started it (PR_SET_PDEATHSIG).
        self._threads = ThreadPoolExecutor(3)

    def start(self, preferred: dict[str, int] | None = None) -> None:
        """Start all three. `preferred`: ports to try first, by kafka, redis, postgres; without it
        any free ones.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._password = self._secret()
        for name in ("kafka", "redis", "postgres"):
            wanted = (preferred or {}).get(name)
            self.ports[name] = ports.next_free(wanted) if wanted else ports.any_free()
            if wanted and self.ports[name] != wanted:
                self._say(f"port {wanted} is in use: {name} takes {self.ports[name]}")
        starts = (self.start_kafka, self.start_redis, self.start_postgres)
        for job in [self._threads.submit(start) for start in starts]:
            job.result()

    def start_kafka(self) -> None:
        if not (DOWNLOADS / f"kafka-{kafka.VERSION}" / "complete").exists():
            self._say(f"downloading Kafka {kafka.VERSION} (46 MB, once)")
        self.kafka = kafka.start(self.directory / "kafka", DOWNLOADS, self.ports["kafka"])
        self._say(f"Kafka {kafka.VERSION} on 127.0.0.1:{self.ports['kafka']}")

    def start_redis(self) -> None:
        self.redis = redis_server.start(
            self.directory / "redis", self.ports["redis"], self._password
        )
        self._say(f"Redis ({Path(redis_server.binary()).name}) on 127.0.0.1:{self.ports['redis']}")

    def start_postgres(self) -> None:
        self.postgres = postgres.start(
            self.directory / "postgres", self.ports["postgres"], self._password
        )
        self._say(f"PostgreSQL on 127.0.0.1:{self.ports['postgres']}")

    def stop(self) -> None:
        """Stop what runs, the broker last."""
        if self.postgres:
            postgres.stop(self.postgres)
        for server in (self.redis, self.kafka):
            if server:
                server.stop()

    def wipe(self) -> None:
        """Forget all data. Only while stopped."""
        shutil.rmtree(self.directory, ignore_errors=True)
        postgres.forget(self.directory / "postgres")

    def environment(self) -> dict[str, str]:
        """The settings that make a worker use these servers."""
        return {
            "FRAUD_KAFKA__BROKERS": f"127.0.0.1:{self.ports['kafka']}",
            "FRAUD_REDIS__URL": f"redis://:{self._password}@127.0.0.1:{self.ports['redis']}/0",
            "FRAUD_POSTGRES__DSN": f"postgresql://fraud:{self._password}@127.0.0.1:{self.ports['postgres']}/postgres",
        }

    def _secret(self) -> str:
        path = self.directory / "secret"
        with suppress(FileNotFoundError):
            return path.read_text()
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
        return path.read_text()
