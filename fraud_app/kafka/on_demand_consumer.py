"""Fetches from the broker in the agent's own event loop, with a short wait, and only on demand.
Waits for a broker that is away as long as it takes.

Three things of Faust and aiokafka are changed, each for a measured reason (and transactions are
respected, which Faust does only when it writes in transactions itself):

- Faust runs its consumer in a thread, so that user code which blocks the loop cannot hold up
  heartbeats. Nothing here blocks the loop, and two threads that share one interpreter cost each
  fetch two hand-overs of up to 5 ms. On two busy cores the median at 1,000 transactions a second
  was 137 ms with the thread and 21 ms without.
- Faust's long-poll waits up to 1.5 s and has no setting for it. While such a request waits on quiet
  partitions, the broker is asked for nothing else, so partitions whose records were just used up
  stay silent: at 500 transactions a second the median was 1.3 s.
- aiokafka asks for the next records as soon as it has handed over the last ones. The answer is
  there long before the agent has finished its batch, and later records wait for another round.
  Asked when the agent is idle, the broker returns everything that it has by then.

And one more: an error of the broker while offsets are committed or looked up ends Faust's
application. Here the request is repeated until it is answered, or until the partitions move.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from mode.utils.futures import maybe_async

from fraud_app.kafka import crash, membership
from fraud_app.kafka.group import stay_in_group
from fraud_app.supervision import keep_running

log = logging.getLogger(__name__)


class FetchPolicy(NamedTuple):
    """When the broker is asked, and how soon it answers."""

    max_wait_ms: int
    """How long the broker waits for a first record before it answers."""
    min_interval_s: float
    """The least time between two requests to the same broker."""


LOW_LATENCY = FetchPolicy(10, 0.003)
"""For decisions. A batch of one record costs worker, broker and Redis nearly as much as a batch of
three. Without a pause, 1,000 transactions a second become as many batches as possible, and half of
two cores is spent on their number. A transaction that comes alone does not wait for the pause.
"""
NEAR_REAL_TIME = FetchPolicy(0, 0.04)
"""For what people look at: a twentieth of a second is soon enough. Here and below the broker does
not wait, because it examines a waiting request again with every record that comes in.
"""
RELAXED = FetchPolicy(0, 0.2)
"""For history, which nobody waits for."""

REQUEST_S = 40.0
"""Longest wait for the answer to one request; then it is sent again over a new connection."""
COMMIT_S = 10.0
"""Longest time of one try to commit."""
REPEAT_S = 0.5
"""Pause before a request is repeated after an error."""
PREFETCH_BACKOFF_S = 0.001
"""How long fetched but unread records hold up every other fetch. aiokafka's 0.1 s delayed
transactions right after a start: the first changelog record of each partition comes back to its
writer and is never read.
"""


Answer = TypeVar("Answer")


class InLoopWorker:
    """Runs a service as a task of this event loop, where mode would run it in a thread."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def start(self) -> None:
        self._serving = asyncio.ensure_future(self._service._serve())

    def stop(self) -> None:
        """Nothing is left to do: `Service.stop` has waited for the end."""


class OnDemandConsumer(AIOKafkaConsumerThread):
    """Faust's consumer thread, without the thread."""

    Worker: Any = InLoopWorker
    _staying: asyncio.Future[None] | None = None
    """Keeps the consumer in its group."""

    async def call_thread(
        self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """Leave the loop's other tasks alone: they do not belong to this service."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        """A consumer that sees no record of an open or aborted transaction."""
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        # Faust would take the longest time of a rebalance, which here has no limit.
        consumer._request_timeout_ms = consumer._client._request_timeout_ms = int(REQUEST_S * 1000)
        return consumer

    async def _highwaters(self, partitions: Any) -> Mapping[Any, int]:
        """Where partitions end, records of open transactions included.

        For the recovery: changelog records after an open transaction must not be left out. It waits
        until the transaction has ended, and they can be read.
        """
        fetcher: Any = copy.copy(self._ensure_consumer()._fetcher)
        fetcher._isolation_level = READ_UNCOMMITTED
        ends: Mapping[Any, int] = await fetcher.end_offsets(partitions, int(REQUEST_S * 1000))
        return ends

    async def on_start(self) -> None:
        await super().on_start()
        consumer: Any = self._ensure_consumer()
        fetcher = consumer._fetcher
        fetcher._prefetch_backoff = PREFETCH_BACKOFF_S
        app: Any = self.app
        membership.follow(consumer._coordinator, app.membership)
        self._staying = asyncio.ensure_future(
            keep_running("group.stay_in_group", lambda: stay_in_group(consumer._coordinator))
        )
        fetching: FetchPolicy = app.fetching
        fetcher._fetch_max_wait_ms = fetching.max_wait_ms
        fetcher._proc_fetch_request = _fetch_on_demand(
            app.consumer, fetcher._proc_fetch_request, fetching.min_interval_s
        )

    async def on_thread_stop(self) -> None:
        if self._staying is not None:
            self._staying.cancel()
            with suppress(asyncio.CancelledError):
                await self._staying
        await super().on_thread_stop()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit. False when the partitions have moved: their next owner reads the records again.

        Offsets are not given up for any other error: of a quiet partition they would never be
        committed.
        """
        self.tp_last_committed_at.update(dict.fromkeys(offsets, time.monotonic()))
        while committable := self._committable(offsets):
            try:
                async with asyncio.timeout(COMMIT_S):
                    await self._ensure_consumer().commit(committable)
            except (CommitFailedError, IllegalStateError):
                return False
            except (KafkaError, TimeoutError) as error:
                log.warning("commit_repeated", extra={"error": f"{type(error).__name__}: {error}"})
                await asyncio.sleep(REPEAT_S)
            else:
                return True
        return False

    def _committable(self, offsets: Mapping[TP, int]) -> dict[TopicPartition, int]:
        """The offsets of partitions that are assigned here, and of topics that exist: aiokafka
        would wait until a deleted one is back, and hold up every other commit and every rebalance.
        """
        cluster = cast(Any, self._ensure_consumer())._client.cluster
        return {
            TopicPartition(*tp): offset
            for tp, offset in offsets.items()
            if tp in self.assignment() and cluster.partitions_for_topic(tp.topic)
        }

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return await _patiently(super().seek_to_committed)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        seek_wait = super().seek_wait
        await _patiently(lambda: seek_wait(partitions))

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        earliest_offsets = super().earliest_offsets
        return await _patiently(lambda: earliest_offsets(*partitions))

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        highwaters = super().highwaters
        return await _patiently(lambda: highwaters(*partitions))


async def _patiently(request: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer to a request, which is repeated while the broker gives none.

    Raises `CommitFailedError` or `IllegalStateError` when the partitions have moved.
    """
    while True:
        try:
            return await request()
        except (CommitFailedError, IllegalStateError):
            raise
        except KafkaError as error:
            log.warning("repeated", extra={"error": f"{type(error).__name__}: {error}"})
            await asyncio.sleep(REPEAT_S)


def _fetch_on_demand(
    consumer: Any, fetch: Callable[..., Awaitable[bool]], min_interval_s: float
) -> Callable[..., Awaitable[bool]]:
    """`fetch`, changed to wait until the agent is idle and to deliver the answer at once.

    The result of the returned function says whether Faust's loop must take what is left. aiokafka
    cancels a request when its partitions move: nothing was fetched then.
    """

    next_request_at: dict[Any, float] = {}
    """By broker node, on the monotonic clock."""

    async def fetch_when_idle(assignment: Any, node: Any, request: Any) -> bool:
        try:
            if (pause := next_request_at.get(node, 0.0) - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            await consumer.idle.wait()
        except asyncio.CancelledError:
            return False
        next_request_at[node] = time.monotonic() + min_interval_s
        requested_generation = consumer.app.consumer_generation_id
        try:
            fetched = await fetch(assignment, node, request)
        except Exception:  # aiokafka's loop would end silently
            log.exception("fetch_failed")
            await asyncio.sleep(REPEAT_S)
            return False
        try:
            return fetched and not await consumer.deliver_now(requested_generation)
        except Exception as error:  # a damaged record, which is no other the next time
            crash.end_process("what the broker gave could not be read", error)

    return fetch_when_idle
