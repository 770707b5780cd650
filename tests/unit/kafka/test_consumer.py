"""Acknowledgement by the batch, and handing over what was fetched."""

import asyncio
from types import SimpleNamespace
from weakref import WeakSet

import pytest
from aiokafka.consumer.fetcher import FetchError, FetchResult
from faust.types import TP

from fraud_app.kafka.consumer import BatchConsumer, FetchedRecords, WorkBatch

RAW = TP("raw", 0)


def records(*offsets, partition=0):
    return [SimpleNamespace(topic="raw", partition=partition, offset=offset) for offset in offsets]


class Flow:
    active = True

    def is_active(self):
        return self.active


@pytest.fixture
def consumer():
    made = BatchConsumer.__new__(BatchConsumer)
    made._batch_topics, made._done_offsets, made._in_work = {"raw"}, {}, WeakSet()
    made._acked, made._waiting_for_ack, made.idle = {}, None, asyncio.Event()
    made._app = SimpleNamespace(flow_control=Flow())
    made._channels = {RAW: [SimpleNamespace(queue=asyncio.Queue(2))]}
    return made


def test_an_offset_is_committed_once_and_only_when_it_is_done(consumer):
    work = WorkBatch(records(5, 6, 7))
    consumer.begin_work(work)
    assert list(consumer._filter_tps_with_pending_acks()) == []
    consumer.mark_done(work, work.records[:2])
    assert list(consumer._filter_tps_with_pending_acks()) == [RAW]
    assert list(consumer._filter_tps_with_pending_acks({"labels"})) == []
    assert (consumer._new_offset(RAW), consumer._new_offset(RAW)) == (7, None)


def test_a_stop_waits_for_all_that_was_taken(consumer):
    work = WorkBatch(records(5) + records(1, partition=1))
    consumer.begin_work(work)
    consumer.mark_done(work, work.records[:1])
    assert not work.acked
    assert work in consumer._in_work
    consumer.mark_done(work, work.records[1:])
    assert work.acked
    assert not consumer._in_work


async def test_whoever_waits_for_the_last_acknowledgement_is_woken(consumer):
    consumer._waiting_for_ack = asyncio.get_running_loop().create_future()
    work = WorkBatch(records(1))
    consumer.begin_work(work)
    consumer.mark_done(work, work.records)
    assert consumer._waiting_for_ack.done()


def test_a_record_that_was_processed_again_does_not_move_the_offset_back(consumer):
    late, again = WorkBatch(records(9)), WorkBatch(records(3))
    consumer.mark_done(late, late.records)
    consumer.mark_done(again, again.records)
    assert consumer._new_offset(RAW) == 10


def test_what_has_no_room_stays_and_nothing_is_handed_over_twice(consumer):
    pieces = [FetchedRecords(RAW, 1, records(number)) for number in range(3)]
    left = list(pieces)
    assert not consumer._delivered(left)
    assert left == pieces[2:]
    queue = consumer._channels[RAW][0].queue
    assert [queue.get_nowait(), queue.get_nowait()] == pieces[:2]
    assert consumer._delivered(left)
    assert left == []


def test_nothing_is_handed_over_while_partitions_are_assigned(consumer):
    consumer._app.flow_control.active = False
    left = [FetchedRecords(RAW, 1, records(0))]
    assert not consumer._delivered(left)
    assert len(left) == 1


def test_nothing_more_is_asked_for_while_a_batch_is_worked_on(consumer):
    consumer.idle.set()
    consumer.begin_work(WorkBatch(records(1)))
    assert not consumer.idle.is_set()


class Answered:
    """A consumer of aiokafka's that holds an answer of the broker."""

    def __init__(self, *topics, kind=FetchResult):
        records = {TP(topic, 0): kind.__new__(kind) for topic in topics}
        self._fetcher = SimpleNamespace(
            _records=records, _subscriptions=SimpleNamespace(reassignment_in_progress=False)
        )

    async def fetch(self, consumer, active, timeout):  # noqa: ASYNC109 - Faust's signature
        assert timeout == 0, "it is all here already"
        return {
            tp: records(4, 5) for tp in self._fetcher._records if not active or tp in active
        }  # as aiokafka does


def holding(consumer, answered, *active):
    consumer._thread = SimpleNamespace(
        _ensure_consumer=lambda: answered, _fetch_records=answered.fetch
    )
    consumer._active_partitions = {TP(topic, 0) for topic in active}
    consumer.app = SimpleNamespace(consumer_generation_id=7)
    consumer.flow_active = True
    consumer._stopped = consumer._crashed = asyncio.Event()
    return consumer


async def test_an_answer_goes_straight_to_its_agent_whatever_else_lies_there_unread(consumer):
    holding(consumer, Answered("raw", "changelog"), "raw")
    assert await consumer.deliver_now(7)
    fetched = consumer._channels[RAW][0].queue.get_nowait()
    assert (fetched.tp, fetched.generation, [record.offset for record in fetched.records]) == (
        RAW,
        7,
        [4, 5],
    )


@pytest.mark.parametrize("case", ["changelog", "error", "moving", "older", "stopped", "all paused"])
async def test_what_is_out_of_the_ordinary_is_left_to_faust(consumer, case):
    answered = {
        "changelog": Answered("raw", "changelog"),
        "error": Answered("raw", kind=FetchError),
    }.get(case, Answered("raw"))
    holding(consumer, answered, *(() if case == "all paused" else ("raw", "changelog")))
    answered._fetcher._subscriptions.reassignment_in_progress = case == "moving"
    consumer.flow_active = case != "stopped"
    assert not await consumer.deliver_now(6 if case == "older" else 7)
    assert consumer._channels[RAW][0].queue.empty()
