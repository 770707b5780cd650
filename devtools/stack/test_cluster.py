"""Servers, workers and sinks that run until they are stopped: for the checker, the benchmark and
the tests.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable

from devtools.stack import ports
from devtools.stack.services import Service, Supervisor, sinks, worker
from devtools.stack.stack import HOME, Stack

Say = Callable[[str], None]


class Cluster:
    """Servers, workers that are started again when they die, and sinks."""

    def __init__(self, name: str, workers: int, say: Say, **settings: str) -> None:
        self.stack = Stack(HOME / name, say)
        self.stack.wipe()
        self.stack.start()
        self.environment = {**self.stack.environment(), **settings}
        directory = self.stack.directory
        self.workers = [
            worker(number, self.environment, directory, ports.any_free())
            for number in range(1, workers + 1)
        ]
        self.sinks = sinks(self.environment, directory)
        services: list[Service] = [*self.workers, self.sinks]
        self._supervisor = Supervisor(services, say)
        # A child ends with the thread that started it, so one thread starts and watches them all.
        begun = threading.Event()

        def look_after() -> None:
            for service in services:
                service.start()
            begun.set()
            self._supervisor.run()
            self._supervisor.stop()

        self._thread = threading.Thread(target=look_after, daemon=True)
        self._thread.start()
        begun.wait()
        for one in self.workers:
            one.wait_ready()

    @property
    def addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{one.port}/" for one in self.workers]

    def stop(self) -> None:
        self._supervisor.end_watch()
        self._thread.join(60)
        self.stack.stop()


async def kill_workers(running: Cluster, times: int, every_s: float, seed: int, say: Say) -> None:
    """SIGKILL a random worker, wait until it is ready again, and so on."""
    dice = random.Random(seed)  # noqa: S311 - which worker dies is no secret
    for number in range(1, times + 1):
        await asyncio.sleep(every_s * dice.uniform(0.6, 1.4))
        victim = dice.choice(running.workers)
        if victim.process:
            victim.process.kill()
        killed = time.monotonic()
        say(f"kill -9 {victim.name} ({number} of {times})")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(victim.wait_ready_again)
        say(f"{victim.name} is ready again after {time.monotonic() - killed:.1f} s")
