"""How the broker is asked for records: in the loop that uses them, with a short wait, and only when
they are wanted.

Faust gives its consumer a thread, so that user code which blocks the loop cannot hold up
heartbeats. Nothing here blocks it, and two threads that take turns at one interpreter cost each
fetch two hand-overs of up to 5 ms: on two busy cores the median at 1,000 transactions a second was
137 ms with the thread and 21 ms without.

Faust's long-poll waits up to 1.5 s and cannot be told otherwise. While such a request waits on
quiet partitions the broker is asked for nothing else, so partitions whose records were just used up
stay silent: at 500 transactions a second the median was 1.3 s.

aiokafka asks for the next records as soon as it has handed over the last. The answer is there long
before the agent is through with its batch, and what comes in between waits for another batches
round; asked when the agent waits, the broker gives all there is by then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.utils.futures import maybe_async

from fraud_app.kafka import crash


class FetchPolicy(NamedTuple):
    """How long the broker waits for a first record before it answers, and the least time between
    two requests to one broker.
    """

    wait_ms: int
    apart_s: float


LOW_LATENCY = FetchPolicy(10, 0.003)
"""For decisions. A batch of one costs worker, broker and Redis nearly what a batch of three does:
without a pause, 1,000 transactions a second are as many batches as fit, and half of two cores is
spent on their number. A transaction that comes alone does not wait for it."""
NEAR_REAL_TIME = FetchPolicy(0, 0.04)
"""For what people look at: a twentieth of a second is soon enough. The broker does not wait, here
and below: a request that waits is looked at again with every record that comes in."""
RELAXED = FetchPolicy(0, 0.2)
"""For history."""

PREFETCH_BACKOFF_S = 0.001
"""How long what was fetched and not used holds up every other fetch: aiokafka's 0.1 s hit payments
right after a start, since the first changelog record of each partition comes back to its writer and
is never read."""


class InLoopWorker:
    """Runs as a task what mode would run in a thread."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def start(self) -> None:
        self._serving = asyncio.ensure_future(self._service._serve())

    def stop(self) -> None:
        """Nothing is left to do: `Service.stop` waited for the end."""


class OnDemandConsumer(AIOKafkaConsumerThread):
    """Faust's consumer thread without the thread."""

    Worker: Any = InLoopWorker

    async def call_thread(
        self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """The loop's other tasks are not ours to end."""

    async def on_start(self) -> None:
        await super().on_start()
        fetcher: Any = self._ensure_consumer()._fetcher
        fetcher._prefetch_backoff = PREFETCH_BACKOFF_S
        app: Any = self.app
        # aiokafka logs what ends the task that keeps the group, and Faust never asks: the worker
        # would wait for partitions for ever.
        crash.end_process_with(
            self._ensure_consumer()._coordinator._coordination_task, "the consumer lost its group"
        )
        fetching: FetchPolicy = app.fetching
        fetcher._fetch_max_wait_ms = fetching.wait_ms
        fetcher._proc_fetch_request = _fetch_on_demand(
            app.consumer, fetcher._proc_fetch_request, fetching.apart_s
        )


def _fetch_on_demand(
    consumer: Any, fetch: Callable[..., Awaitable[bool]], apart_s: float
) -> Callable[..., Awaitable[bool]]:
    """`fetch`, but not before the agent waits for records, and what came goes to it at once.
    aiokafka cancels what it asks for when its partitions move: nothing came then. True wakes
    Faust's loop, which takes what is left."""

    next_at: dict[Any, float] = {}

    async def fetch_when_idle(assignment: Any, node: Any, request: Any) -> bool:
        try:
            if (pause := next_at.get(node, 0.0) - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            await consumer.idle.wait()
        except asyncio.CancelledError:
            return False
        next_at[node] = time.monotonic() + apart_s
        requested_generation = consumer.app.consumer_generation_id
        try:
            return await fetch(assignment, node, request) and not await consumer.deliver_now(
                requested_generation
            )
        except Exception as error:  # a damaged record; aiokafka's loop would end without a word
            crash.end_process("what the broker gave could not be read", error)

    return fetch_when_idle
