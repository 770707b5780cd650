"""The product's own processes beside the servers: workers and sinks. They are started with their
settings, and started again when they end by themselves.
"""

from __future__ import annotations

import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from devtools.stack import ports
from devtools.stack.process import ServerProcess, StartFailed
from devtools.stack.say import Say
from fraud_app.settings import ROOT

START_S = 60  # a worker compiles its kernels and loads the model before it is ready
STOP_S = 30  # a worker finishes its batches in flight before it ends
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0  # doubled each time: a service that fails is no CPU load
STEADY_S = 30.0  # after running this long, the next failure is a new one with a short pause
SINKS_NICENESS = 10  # a tenth of a worker's CPU share: docs/decisions/0018-storing-gives-way.md


class Service:
    """A process that should run: `start` starts it, also after it ended."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        environment: Mapping[str, str],
        directory: Path,
        *,
        niceness: int = 0,
    ) -> None:
        self.name, self._niceness = name, niceness
        self.environment = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment}
        self._arguments, self._directory = arguments, directory
        self.process: ServerProcess | None = None
        self.restarts = 0

    @property
    def port(self) -> int:
        """The port of its HTTP server."""
        return int(self.environment["FRAUD_WEB__PORT"])

    def start(self) -> None:
        """Start the process; does not wait until it is ready."""
        self.process = ServerProcess(
            self.name,
            [sys.executable, "-m", "fraud_app", *self._arguments],
            self._directory / f"{self.name}.log",
            env=self.environment,
            cwd=ROOT,
            niceness=self._niceness,
        )

    def stop(self) -> None:
        """Stop the process, if it was started."""
        if self.process:
            self.process.stop(STOP_S)

    def wait_ready_again(self) -> None:
        """Wait until a supervisor has restarted the worker and it is ready.

        Raises `StartFailed` after 60 s.
        """
        deadline = time.monotonic() + START_S
        while not is_ready(self.port):
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} did not come back in {START_S} s")
            time.sleep(0.1)

    def wait_ready(self) -> None:
        """Wait until the worker has its partitions. Raises `StartFailed` when it ends or after
        60 s.
        """
        assert self.process is not None  # noqa: S101
        self.process.wait_until(lambda: is_ready(self.port), START_S)


class Supervisor:
    """Restarts services that ended by themselves, with a longer pause each time."""

    def __init__(self, services: list[Service], say: Say) -> None:
        self._services, self._say = services, say
        self._stopping = threading.Event()

    def run(self) -> None:
        """Watch until `end_watch`.

        Call it from the thread that lives longest, because child processes end with the thread
        that started them.
        """
        pauses = {service.name: FIRST_PAUSE_S for service in self._services}
        started = {service.name: time.monotonic() for service in self._services}
        while not self._stopping.wait(0.2):
            for service in self._services:
                if service.process is None or service.process.exit_code is None:
                    continue
                pause = pauses[service.name]
                self._say(
                    f"{service.name} ended with code {service.process.exit_code};"
                    f" starting it again in {pause:.1f} s"
                )
                if self._stopping.wait(pause):
                    return
                steady = time.monotonic() - started[service.name] > STEADY_S
                pauses[service.name] = FIRST_PAUSE_S if steady else min(pause * 2, LONGEST_PAUSE_S)
                started[service.name] = time.monotonic()
                service.restarts += 1
                service.start()

    def end_watch(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    def stop(self) -> None:
        """End the watch, then stop the services, the last one of the list first."""
        self.end_watch()
        for service in reversed(self._services):
            service.stop()


def worker_service(
    number: int, environment: Mapping[str, str], directory: Path, port: int
) -> Service:
    """A scoring worker with tables and a port of its own."""
    own_environment = {
        **environment,
        "FRAUD_WORKER_ID": f"worker-{number}",
        "FRAUD_WEB__PORT": str(port),
        "FRAUD_STREAM__DATA_DIR": str(directory / f"worker-{number}"),
    }
    return Service(
        f"worker-{number}", ["worker", "-l", "info"], own_environment, directory / "logs"
    )


def sinks_service(environment: Mapping[str, str], directory: Path) -> Service:
    """Storage and feed in one process, with a tenth of a worker's CPU share.

    Decisions come first and history may follow later. But a page waits for its feed: with less
    than a tenth, two busy processes delay it for seconds.
    """
    own_environment = {
        **environment,
        "FRAUD_WORKER_ID": "sinks-1",
        "FRAUD_WEB__PORT": str(ports.any_free()),
        "FRAUD_STREAM__DATA_DIR": str(directory / "sinks-1"),
    }
    return Service(
        "sinks-1", ["sinks"], own_environment, directory / "logs", niceness=SINKS_NICENESS
    )


def is_ready(port: int) -> bool:
    """Whether the worker on this port says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
