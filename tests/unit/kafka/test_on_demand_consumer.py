"""When the broker is asked; and a thread's service as a task of the same loop."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from mode.threads import QueueServiceThread

from fraud_app.kafka.on_demand_consumer import InLoopWorker, OnDemandConsumer, _fetch_on_demand


class Consumer:
    """Wants records when it is told to; takes what came unless it is told not to."""

    def __init__(self, *, takes=True):
        self.idle, self.app, self._takes = (
            asyncio.Event(),
            SimpleNamespace(consumer_generation_id=3),
            takes,
        )
        self.requested_generation = []

    async def deliver_now(self, requested_generation):
        self.requested_generation.append(requested_generation)
        return self._takes


async def found(*request):
    return True


async def test_the_broker_is_asked_when_the_agent_waits_and_not_before():
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
    assert consumer.requested_generation == [], "there was nothing to hand over"


async def test_one_broker_is_asked_again_only_after_a_while_and_another_at_once():
    consumer = Consumer()
    consumer.idle.set()
    fetch = _fetch_on_demand(consumer, found, 60.0)
    await fetch("assignment", 1, "request")
    await asyncio.wait_for(fetch("assignment", 2, "request"), 1)
    again = asyncio.create_task(fetch("assignment", 1, "request"))
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
    assert await asyncio.wait_for(again, 1) is False


@pytest.mark.parametrize("takes", [True, False])
async def test_faust_is_woken_only_for_what_was_not_handed_over(takes):
    consumer = Consumer(takes=takes)
    consumer.idle.set()
    assert await _fetch_on_demand(consumer, found, 0.0)("assignment", 0, "request") is not takes
    assert consumer.requested_generation == [3]


async def test_what_cannot_be_read_ends_the_process(monkeypatch):
    died, damaged = [], ValueError("a checksum is wrong")
    monkeypatch.setattr(
        "fraud_app.kafka.crash.end_process", lambda reason, error: died.append(error)
    )
    consumer = Consumer()
    consumer.idle.set()

    async def fetch(*request):
        raise damaged

    await _fetch_on_demand(consumer, fetch, 0.0)("assignment", 0, "request")
    assert died == [damaged]


async def test_a_request_that_is_no_longer_wanted_ends_as_one_that_brought_nothing():
    async def fetch(*request):
        raise AssertionError("its partitions have moved")

    waiting = asyncio.create_task(
        _fetch_on_demand(Consumer(), fetch, 0.0)("assignment", 0, "request")
    )
    await asyncio.sleep(0)
    waiting.cancel()
    assert await asyncio.wait_for(waiting, 1) is False


class Served(QueueServiceThread):
    Worker = InLoopWorker
    call_thread = OnDemandConsumer.call_thread
    _gather_remaining_tasks = OnDemandConsumer._gather_remaining_tasks
    stopped_in = None

    async def on_thread_stop(self):
        await super().on_thread_stop()
        self.stopped_in = threading.get_ident()


async def test_the_service_lives_and_ends_in_the_loop_that_started_it():
    loop = asyncio.get_running_loop()
    service = Served(loop=loop, thread_loop=loop)
    bystander = asyncio.create_task(asyncio.sleep(60))
    await service.start()

    async def where():
        return threading.get_ident(), asyncio.get_running_loop()

    assert await service.call_thread(where) == (threading.get_ident(), loop)
    await service.stop()
    assert service.stopped_in == threading.get_ident()
    assert not bystander.done()
    bystander.cancel()
