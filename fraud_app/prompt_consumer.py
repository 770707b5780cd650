"""How the broker is asked for records: in the loop that uses them, and with a short wait.

Faust gives its consumer a thread, so that user code which blocks the loop cannot hold up heartbeats. Nothing here blocks it, and two
threads that take turns at one interpreter cost each fetch two hand-overs of up to 5 ms: on two busy cores the median at 1,000
transactions a second was 137 ms with the thread and 21 ms without.

Faust's long-poll waits up to 1.5 s and cannot be told otherwise. While such a request waits on quiet partitions the broker is asked for
nothing else, so partitions whose records were just used up stay silent: at 500 transactions a second the median was 1.3 s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.utils.futures import maybe_async

from fraud_app import dying


class Fetching(NamedTuple):
    """What the broker waits for before it answers: so long, or so much data."""

    wait_ms: int
    least_bytes: int
    from_rate: float = 0.0
    """Records a second below which it answers at the first byte instead: there is nothing to gather then."""


PROMPT = Fetching(4, 8192, from_rate=250)
"""For decisions. Asking again for each few records takes processor time that the next payment waits for."""
GATHERING = Fetching(25, 16_384)
"""For what people look at: a twentieth of a second is soon enough."""
LEISURELY = Fetching(200, 65_536)
"""For history."""
QUIET_WAIT_MS = 10

UNUSED_S = 0.001
"""How long what was fetched and not used holds up every other fetch: aiokafka's 0.1 s hit payments right after a start, since the first
changelog record of each partition comes back to its writer and is never read."""


class Pace:
    """The rate of records over about the last second, and what to ask for at that rate."""

    def __init__(self, fetching: Fetching, now: float) -> None:
        self._fetching = fetching
        self._since = now
        self.rate = 0.0

    def asks(self, records: int, now: float) -> tuple[int, int]:
        """Wait (ms) and least bytes of the next fetch, after so many records came since the last call."""
        spent = max(now - self._since, 1e-6)
        self._since = now
        self.rate += (records / spent - self.rate) * min(spent, 1.0)
        if self.rate < self._fetching.from_rate:
            return QUIET_WAIT_MS, 1
        return self._fetching.wait_ms, self._fetching.least_bytes


class SameLoop:
    """Runs as a task what mode would run in a thread."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def start(self) -> None:
        self._serving = asyncio.ensure_future(self._service._serve())

    def stop(self) -> None:
        """Nothing is left to do: `Service.stop` waited for the end."""


class PromptConsumer(AIOKafkaConsumerThread):
    """Faust's consumer thread without the thread."""

    Worker: Any = SameLoop

    async def call_thread(self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """The loop's other tasks are not ours to end."""

    async def on_start(self) -> None:
        await super().on_start()
        fetcher: Any = self._ensure_consumer()._fetcher
        fetcher._prefetch_backoff = UNUSED_S
        app: Any = self.app
        # aiokafka logs what ends the task that keeps the group, and Faust never asks: the worker would wait for partitions for ever.
        dying.watch(self._ensure_consumer()._coordinator._coordination_task, "the consumer lost its group")
        self._pace = Pace(app.fetching, time.monotonic())
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = self._pace.asks(0, time.monotonic())

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        fetched = await super()._fetch_records(consumer, *args, **kwargs)
        count = sum(map(len, fetched.values()))
        fetcher = consumer._fetcher
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = self._pace.asks(count, time.monotonic())
        return fetched
