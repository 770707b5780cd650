"""Servers, workers and sinks that run until they are stopped: for the delivery check and the tests.
Everything is on free ports and starts with empty data.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time

from devtools.stack import ports
from devtools.stack.say import Say
from devtools.stack.services import Service, Supervisor, sinks_service, worker_service
from devtools.stack.stack import HOME, Stack


class Cluster:
    """Servers, workers and sinks; workers and sinks are restarted when they die."""

    def __init__(self, name: str, workers: int, say: Say, **settings: str) -> None:
        """Start everything and wait until the workers are ready. Raises `StartFailed`.

        `name`: the directory of the data. `settings`: more environment variables of the workers.
        """
        self.stack = Stack(HOME / name, say)
        self.stack.wipe()
        self.stack.start()
        self.environment = {**self.stack.environment(), **settings}
        directory = self.stack.directory
        self.workers = [
            worker_service(number, self.environment, directory, ports.any_free())
            for number in range(1, workers + 1)
        ]
        self.sinks = sinks_service(self.environment, directory)
        services: list[Service] = [*self.workers, self.sinks]
        self._supervisor = Supervisor(services, say)
        # A child process ends with the thread that started it, so one thread starts all services
        # and watches them until the end.
        started = threading.Event()

        def start_and_watch() -> None:
            for service in services:
                service.start()
            started.set()
            self._supervisor.run()
            self._supervisor.stop()

        self._thread = threading.Thread(target=start_and_watch, daemon=True)
        self._thread.start()
        started.wait()
        for service in self.workers:
            service.wait_ready()

    @property
    def addresses(self) -> list[str]:
        """The base URL of each worker, with a slash at the end."""
        return [f"http://127.0.0.1:{service.port}/" for service in self.workers]

    def stop(self) -> None:
        """Stop workers and sinks, then the servers."""
        self._supervisor.end_watch()
        self._thread.join(60)
        self.stack.stop()


async def kill_workers(running: Cluster, times: int, every_s: float, seed: int, say: Say) -> None:
    """Kill a random worker with SIGKILL and wait until it is ready again, `times` times.

    Before each kill it waits 0.6 to 1.4 times `every_s` seconds.
    """
    rng = random.Random(seed)  # noqa: S311 - chooses a worker, protects nothing
    for number in range(1, times + 1):
        await asyncio.sleep(every_s * rng.uniform(0.6, 1.4))
        victim = rng.choice(running.workers)
        if victim.process:
            victim.process.kill()
        killed = time.monotonic()
        say(f"kill -9 {victim.name} ({number} of {times})")
        await asyncio.sleep(0.5)  # until the supervisor has seen it
        await asyncio.to_thread(victim.wait_ready_again)
        say(f"{victim.name} is ready again after {time.monotonic() - killed:.1f} s")
