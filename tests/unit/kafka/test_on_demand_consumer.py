"""When the broker is asked, and the consumer's service as a task of the same event loop."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, KafkaTimeoutError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from mode.threads import QueueServiceThread

from fraud_app.kafka import on_demand_consumer
from fraud_app.kafka.on_demand_consumer import (
    InLoopWorker,
    OnDemandConsumer,
    _fetch_on_demand,
    _patiently,
)


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


async def test_a_record_that_is_damaged_ends_the_process(monkeypatch):
    errors, damaged = [], ValueError("a checksum is wrong")
    monkeypatch.setattr(
        "fraud_app.kafka.crash.end_process", lambda reason, error: errors.append(error)
    )
    consumer: Any = Consumer()
    consumer.idle.set()

    async def deliver_now(requested_generation):
        raise damaged

    consumer.deliver_now = deliver_now
    await _fetch_on_demand(consumer, fetch_records, 0.0)("assignment", 0, "request")
    assert errors == [damaged]


async def test_a_request_that_fails_for_any_reason_is_sent_again(monkeypatch):
    monkeypatch.setattr(on_demand_consumer, "REPEAT_S", 0.0)
    consumer = Consumer()
    consumer.idle.set()

    async def fetch(*request):
        raise KeyError("the connection was closed by another request")

    assert await _fetch_on_demand(consumer, fetch, 0.0)("assignment", 0, "request") is False
    assert consumer.requested_generations == []


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
    aiokafka = SimpleNamespace(_isolation_level="read_uncommitted", _client=SimpleNamespace())
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


class Broker:
    """What the consumer asks the broker through. Each of `answers` is raised, or returned."""

    def __init__(self, *answers, assigned=(0, 1), topics=("t",)):
        self.answers, self.commits = list(answers), []
        self.assigned = assigned
        cluster = SimpleNamespace(partitions_for_topic=lambda topic: topic in topics)
        self._client = SimpleNamespace(cluster=cluster)

    async def commit(self, offsets):
        self.commits.append(offsets)
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


def consumer_of(broker, monkeypatch):
    monkeypatch.setattr(on_demand_consumer, "REPEAT_S", 0.0)
    consumer: Any = OnDemandConsumer.__new__(OnDemandConsumer)
    consumer.tp_last_committed_at = {}
    consumer._ensure_consumer = lambda: broker
    consumer.assignment = lambda: {TP("t", number) for number in broker.assigned}
    return consumer


OFFSETS = {TP("t", 0): 5, TP("t", 1): 7}


async def test_a_commit_is_repeated_until_the_broker_takes_it(monkeypatch):
    broker = Broker(KafkaError("being loaded"), TimeoutError(), None)
    assert await consumer_of(broker, monkeypatch)._commit(OFFSETS) is True
    assert broker.commits == [OFFSETS] * 3


@pytest.mark.parametrize("error", [CommitFailedError("already rebalanced"), IllegalStateError("x")])
async def test_offsets_of_partitions_that_have_moved_are_left_to_their_next_owner(
    monkeypatch, error
):
    assert await consumer_of(Broker(error), monkeypatch)._commit(OFFSETS) is False


async def test_a_deleted_topic_holds_up_no_other_commit(monkeypatch):
    broker = Broker(None)
    gone = {TP("deleted", 0): 9}
    consumer = consumer_of(broker, monkeypatch)
    consumer.assignment = lambda: {*OFFSETS, *gone}
    assert await consumer._commit({**OFFSETS, **gone}) is True
    assert broker.commits == [OFFSETS]
    assert await consumer._commit(gone) is False, "there is nothing to commit"


async def test_a_look_up_is_repeated_until_it_is_answered_or_the_partitions_move(monkeypatch):
    monkeypatch.setattr(on_demand_consumer, "REPEAT_S", 0.0)
    answers = [KafkaTimeoutError(), KafkaError("x")]

    async def ask():
        if answers:
            raise answers.pop(0)
        return 3

    assert await _patiently(ask) == 3
    answers.append(IllegalStateError("not assigned"))
    with pytest.raises(IllegalStateError):
        await _patiently(ask)
