"""Our own processes beside the servers: workers and sinks, started with their settings and started
again when they die.
"""

from __future__ import annotations

import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from devtools.stack import ports
from devtools.stack.process import ServerProcess, StartFailed
from fraud_app.settings import ROOT

Say = Callable[[str], None]

START_S = 60
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
STEADY_S = 30.0


class Service:
    """A process that should run: `start`, and `watch` to bring it back."""

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
        return int(self.environment["FRAUD_WEB__PORT"])

    def start(self) -> None:
        self.process = ServerProcess(
            self.name,
            [sys.executable, "-m", "fraud_app", *self._arguments],
            self._directory / f"{self.name}.log",
            env=self.environment,
            cwd=ROOT,
            niceness=self._niceness,
        )

    def stop(self) -> None:
        if self.process:
            self.process.stop(30)

    def wait_ready_again(self) -> None:
        """Wait until whoever brings the worker back has done so. Raises `StartFailed`."""
        deadline = time.monotonic() + START_S
        while not ready(self.port):
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} did not come back in {START_S} s")
            time.sleep(0.1)

    def wait_ready(self) -> None:
        """Wait until the worker has its partitions. Raises `StartFailed`."""
        assert self.process is not None  # noqa: S101
        self.process.wait_until(lambda: ready(self.port), START_S)


class Supervisor:
    """Starts services that ended by themselves again, waiting longer each time."""

    def __init__(self, services: list[Service], say: Say) -> None:
        self._services, self._say = services, say
        self._stopping = threading.Event()

    def run(self) -> None:
        """Watch until `stop`. To be called by the thread that lives longest, since children end
        with the thread that started them.
        """
        pauses = {service.name: FIRST_PAUSE_S for service in self._services}
        started = {service.name: time.monotonic() for service in self._services}
        while not self._stopping.wait(0.2):
            for service in self._services:
                if service.process is None or service.process.exit_code is None:
                    continue
                pause = pauses[service.name]
                self._say(
                    f"{service.name} ended with code {service.process.exit_code}; starting it again in {pause:.1f} s"
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
        """End the watch, then the services, newest first."""
        self.end_watch()
        for service in reversed(self._services):
            service.stop()


def worker(number: int, environment: Mapping[str, str], directory: Path, port: int) -> Service:
    """A scoring worker with its own tables and port."""
    own = {
        **environment,
        "FRAUD_WORKER_ID": f"worker-{number}",
        "FRAUD_WEB__PORT": str(port),
        "FRAUD_STREAM__DATA_DIR": str(directory / f"worker-{number}"),
    }
    return Service(f"worker-{number}", ["worker", "-l", "info"], own, directory / "logs")


def sinks(environment: Mapping[str, str], directory: Path) -> Service:
    """Storage and feed in one process. Decisions come first, history may follow later; but a page
    waits for its feed, and with less than a tenth of the weight two busy programs hold it up for
    seconds."""
    own = {
        **environment,
        "FRAUD_WORKER_ID": "sinks-1",
        "FRAUD_WEB__PORT": str(ports.any_free()),
        "FRAUD_STREAM__DATA_DIR": str(directory / "sinks-1"),
    }
    return Service("sinks-1", ["sinks"], own, directory / "logs", niceness=10)


def ready(port: int) -> bool:
    """Whether the worker on this port is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
