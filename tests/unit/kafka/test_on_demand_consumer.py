"""When the broker is asked, and the consumer's service as a task of the same event loop."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.threads import QueueServiceThread

from fraud_app.kafka.on_demand_consumer import InLoopWorker, OnDemandConsumer, _fetch_on_demand


class Consumer:
    """A consumer that is idle when the test says so. `delivers`: whether it delivers at once."""

    def __init__(self, *, delivers=True):
        self.idle, self._delivers = asyncio.Event(), delivers
        self.app = SimpleNamespace(consumer_generation_id=3)
        self.requested_generations = []

    async def deliver_now(self, requested_generation):
        self.requested_generations.append(requested_generation)
        return self._delivers


async def fetch_records(*request):
    return True


async def test_the_broker_is_asked_only_when_the_agent_is_idle():
    consumer, asked = Consumer(), []

    async def fetch(*request):
        asked.append(request)
        return False

    waiting = asyncio.create_task(
        _fetch_on_demand(consumer, fetch, 0.0)("assignment", 0, "request")
    )
    await asyncio.sleep(0)
    assert not asked
    consumer.idle.set()
    assert await asyncio.wait_for(waiting, 1) is False
    assert asked == [("assignment", 0, "request")]
    assert consumer.requested_generations == [], "there was nothing to deliver"


async def test_the_same_broker_is_asked_again_only_after_a_pause_and_another_at_once():
    consumer = Consumer()
    consumer.idle.set()
    fetch = _fetch_on_demand(consumer, fetch_records, 60.0)
    await fetch("assignment", 1, "request")
    await asyncio.wait_for(fetch("assignment", 2, "request"), 1)
    again = asyncio.create_task(fetch("assignment", 1, "request"))
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
    assert await asyncio.wait_for(again, 1) is False


@pytest.mark.parametrize("delivers", [True, False])
async def test_faust_is_woken_only_for_records_that_were_not_delivered(delivers):
    consumer = Consumer(delivers=delivers)
    consumer.idle.set()
    assert (
        await _fetch_on_demand(consumer, fetch_records, 0.0)("assignment", 0, "request")
        is not delivers
    )
    assert consumer.requested_generations == [3]


async def test_an_unreadable_answer_ends_the_process(monkeypatch):
    errors, damaged = [], ValueError("a checksum is wrong")
    monkeypatch.setattr(
        "fraud_app.kafka.crash.end_process", lambda reason, error: errors.append(error)
    )
    consumer = Consumer()
    consumer.idle.set()

    async def fetch(*request):
        raise damaged

    await _fetch_on_demand(consumer, fetch, 0.0)("assignment", 0, "request")
    assert errors == [damaged]


async def test_a_cancelled_request_ends_as_one_without_records():
    async def fetch(*request):
        raise AssertionError("the partitions have moved")

    waiting = asyncio.create_task(
        _fetch_on_demand(Consumer(), fetch, 0.0)("assignment", 0, "request")
    )
    await asyncio.sleep(0)
    waiting.cancel()
    assert await asyncio.wait_for(waiting, 1) is False


def test_records_of_open_and_aborted_transactions_are_not_read(monkeypatch):
    aiokafka = SimpleNamespace(_isolation_level="read_uncommitted")
    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: aiokafka)
    consumer = OnDemandConsumer.__new__(OnDemandConsumer)
    assert consumer._create_worker_consumer(None)._isolation_level == "read_committed"


class Fetcher:
    _isolation_level = READ_COMMITTED

    async def end_offsets(self, partitions, timeout_ms):
        ends = {READ_COMMITTED: 4, READ_UNCOMMITTED: 9}
        return dict.fromkeys(partitions, ends[self._isolation_level])


async def test_a_recovery_reads_what_is_after_an_open_transaction_too():
    consumer, fetcher = OnDemandConsumer.__new__(OnDemandConsumer), Fetcher()
    consumer._consumer = SimpleNamespace(_fetcher=fetcher)
    conf = SimpleNamespace(broker_request_timeout=40.0)
    consumer.app = cast(Any, SimpleNamespace(conf=conf))
    assert await consumer._highwaters(["changelog"]) == {"changelog": 9}
    assert fetcher._isolation_level == READ_COMMITTED


class Service(QueueServiceThread):
    Worker: Any = InLoopWorker
    call_thread = OnDemandConsumer.call_thread
    _gather_remaining_tasks = OnDemandConsumer._gather_remaining_tasks
    stopped_in = None

    async def on_thread_stop(self):
        await super().on_thread_stop()
        self.stopped_in = threading.get_ident()


async def test_the_service_runs_and_stops_in_the_loop_that_started_it():
    loop = asyncio.get_running_loop()
    service = Service(loop=loop, thread_loop=loop)
    unrelated_task = asyncio.create_task(asyncio.sleep(60))
    await service.start()

    async def thread_and_loop():
        return threading.get_ident(), asyncio.get_running_loop()

    assert await service.call_thread(thread_and_loop) == (threading.get_ident(), loop)
    await service.stop()
    assert service.stopped_in == threading.get_ident()
    assert not unrelated_task.done()
    unrelated_task.cancel()
