"""Acknowledgement of batches, and delivery of fetched records."""

import asyncio
from types import SimpleNamespace
from weakref import WeakSet

import pytest
from aiokafka.consumer.fetcher import FetchError, FetchResult
from faust.types import TP

from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.done_offsets import DoneOffsets
from fraud_app.kafka.fetched import RecordRange
from fraud_app.kafka.work import FetchedRecords, WorkBatch

RAW = TP("raw", 0)


def records(*offsets, partition=0):
    return [SimpleNamespace(topic="raw", partition=partition, offset=offset) for offset in offsets]


def piece(start, end, *offsets):
    return FetchedRecords(RAW, 1, RecordRange(records(*offsets), start, end), 0)


class Flow:
    active = True

    def is_active(self):
        return self.active


@pytest.fixture
def consumer():
    consumer = BatchConsumer.__new__(BatchConsumer)
    consumer._batch_topics, consumer.done, consumer._in_work = {"raw"}, DoneOffsets(), WeakSet()
    consumer._committed_offset, consumer.seeks = {RAW: 5}, 3
    consumer._acked, consumer._waiting_for_ack, consumer.idle = {}, None, asyncio.Event()
    consumer._app = SimpleNamespace(flow_control=Flow())
    consumer._channels = {RAW: [SimpleNamespace(queue=asyncio.Queue(2))]}
    return consumer


def test_an_offset_is_committed_once_and_only_when_its_record_is_done(consumer):
    work = WorkBatch(records(5, 6, 7))
    consumer.begin_work(work)
    assert list(consumer._filter_tps_with_pending_acks()) == []
    consumer.mark_done(work, work.records[:2])
    assert list(consumer._filter_tps_with_pending_acks()) == [RAW]
    assert list(consumer._filter_tps_with_pending_acks({"labels"})) == []
    assert consumer._filter_committable_offsets([RAW]) == {RAW: 7}
    consumer._committed_offset[RAW] = 7
    assert consumer._filter_committable_offsets([RAW]) == {}


def test_the_committed_offset_passes_offsets_without_a_record(consumer):
    consumer.done.start_at(RAW, 5)
    work = WorkBatch(records(5))
    consumer.done.no_record(RAW, 6, 8)
    consumer.begin_work(work)
    assert consumer._filter_committable_offsets([RAW]) == {}
    consumer.mark_done(work, work.records)
    assert consumer._filter_committable_offsets([RAW]) == {RAW: 8}


def test_a_piece_that_is_taken_in_parts_starts_after_each_of_them():
    fetched, taken = piece(4, 20, 5, 9, 11), []
    while not fetched.is_used_up:
        taken.append((fetched.start, [record.offset for record in fetched.take(2)]))
    assert taken == [(4, [5, 9]), (10, [11])]
    assert fetched.start == 20


def test_a_piece_without_a_record_is_used_up_and_reaches_to_its_end():
    marker = piece(4, 5)
    assert marker.is_used_up
    assert list(marker.take(100)) == []
    assert marker.start == 5


def test_a_stop_waits_until_the_whole_batch_is_acknowledged(consumer):
    work = WorkBatch(records(5) + records(1, partition=1))
    consumer.begin_work(work)
    consumer.mark_done(work, work.records[:1])
    assert not work.acked
    assert work in consumer._in_work
    consumer.mark_done(work, work.records[1:])
    assert work.acked
    assert not consumer._in_work


async def test_the_last_acknowledgement_wakes_a_waiting_rebalance(consumer):
    consumer._waiting_for_ack = asyncio.get_running_loop().create_future()
    work = WorkBatch(records(1))
    consumer.begin_work(work)
    consumer.mark_done(work, work.records)
    assert consumer._waiting_for_ack.done()


def test_a_record_that_is_processed_again_does_not_move_the_offset_back(consumer):
    late, again = WorkBatch(records(9)), WorkBatch(records(3))
    consumer.mark_done(late, late.records)
    consumer.mark_done(again, again.records)
    assert consumer.next_to_commit(RAW) == 10


def test_before_reading_began_the_committed_offset_is_the_next_one(consumer):
    assert consumer.next_to_commit(RAW) == 5
    consumer.done.start_at(RAW, 6)
    assert consumer.next_to_commit(RAW) == 6


@pytest.mark.parametrize(
    ("highwater", "stable", "end"), [(9, 7, 7), (9, 9, 9), (9, None, 9), (9, -1, 9), (None,) * 3]
)
def test_what_can_be_read_ends_before_an_open_transaction(consumer, highwater, stable, end):
    aiokafka = SimpleNamespace(highwater=lambda _: highwater, last_stable_offset=lambda _: stable)
    consumer._thread = SimpleNamespace(_ensure_consumer=lambda: aiokafka)
    assert consumer.end_offset(RAW) == end


@pytest.mark.parametrize("position", [None, 4])
def test_how_far_a_partition_was_read_is_known_once_it_has_a_position(consumer, position):
    state = SimpleNamespace(has_valid_position=position is not None, position=position)
    assignment = SimpleNamespace(state_value={RAW: state}.get)
    subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    aiokafka = SimpleNamespace(_subscription=subscription)
    consumer._thread = SimpleNamespace(_ensure_consumer=lambda: aiokafka)
    assert consumer.read_offset(RAW) == position
    assert consumer.read_offset(TP("raw", 1)) is None


async def test_what_is_handed_over_from_a_seek_on_was_read_after_it(consumer):
    at_the_seek = []
    consumer._thread = SimpleNamespace(seek=lambda *_: at_the_seek.append(consumer.seeks))
    consumer._read_offset = {}
    consumer.log = SimpleNamespace(dev=lambda *_: None)
    await consumer.seek(RAW, 4)
    assert at_the_seek == [4]


def test_records_without_space_in_the_queue_stay_and_none_is_delivered_twice(consumer):
    pieces = [piece(number, number + 1, number) for number in range(3)]
    left = list(pieces)
    assert not consumer._delivered(left)
    assert left == pieces[2:]
    queue = consumer._channels[RAW][0].queue
    assert [queue.get_nowait(), queue.get_nowait()] == pieces[:2]
    assert consumer._delivered(left)
    assert left == []


def test_nothing_is_delivered_while_partitions_are_assigned(consumer):
    consumer._app.flow_control.active = False
    left = [piece(0, 1, 0)]
    assert not consumer._delivered(left)
    assert len(left) == 1


def test_no_fetch_starts_while_the_agent_works_on_a_batch(consumer):
    consumer.idle.set()
    consumer.begin_work(WorkBatch(records(1)))
    assert not consumer.idle.is_set()


class AiokafkaConsumer:
    """aiokafka's consumer with an answer of the broker that nobody has read yet."""

    def __init__(self, *topics, kind=FetchResult):
        records = {TP(topic, 0): kind.__new__(kind) for topic in topics}
        self._fetcher = SimpleNamespace(
            _records=records, _subscriptions=SimpleNamespace(reassignment_in_progress=False)
        )

    async def fetch(self, consumer, active, timeout):  # noqa: ASYNC109 - Faust's signature
        assert timeout == 0, "it is all here already"
        return {
            tp: RecordRange(records(4, 5), 4, 7)
            for tp in self._fetcher._records
            if not active or tp in active
        }  # as aiokafka does


def with_answer(consumer, aiokafka, *active):
    consumer._thread = SimpleNamespace(
        _ensure_consumer=lambda: aiokafka, _fetch_records=aiokafka.fetch
    )
    consumer._active_partitions = {TP(topic, 0) for topic in active}
    consumer.app = SimpleNamespace(consumer_generation_id=7)
    consumer.flow_active = True
    consumer._stopped = consumer._crashed = asyncio.Event()
    return consumer


async def test_an_answer_goes_directly_to_its_agent_whatever_else_is_unread(consumer):
    with_answer(consumer, AiokafkaConsumer("raw", "changelog"), "raw")
    assert await consumer.deliver_now(7)
    fetched = consumer._channels[RAW][0].queue.get_nowait()
    assert (fetched.tp, fetched.generation, fetched.seek) == (RAW, 7, 3)
    assert ([record.offset for record in fetched.records], fetched.start, fetched.end) == (
        [4, 5],
        4,
        7,
    )


@pytest.mark.parametrize("case", ["changelog", "error", "moving", "older", "stopped", "all paused"])
async def test_special_cases_are_left_to_faust(consumer, case):
    aiokafka = {
        "changelog": AiokafkaConsumer("raw", "changelog"),
        "error": AiokafkaConsumer("raw", kind=FetchError),
    }.get(case, AiokafkaConsumer("raw"))
    with_answer(consumer, aiokafka, *(() if case == "all paused" else ("raw", "changelog")))
    aiokafka._fetcher._subscriptions.reassignment_in_progress = case == "moving"
    consumer.flow_active = case != "stopped"
    assert not await consumer.deliver_now(6 if case == "older" else 7)
    assert consumer._channels[RAW][0].queue.empty()
