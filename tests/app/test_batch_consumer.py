"""Acknowledgement by the batch, and handing over what was fetched."""

import asyncio
from types import SimpleNamespace
from weakref import WeakSet

import pytest
from faust.types import TP

from fraud_app.batch_consumer import BatchConsumer, Fetched, Taken

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
    made._whole, made._done, made._working = {"raw"}, {}, WeakSet()
    made._acked, made._waiting_for_ack, made.idle = {}, None, asyncio.Event()
    made._app = SimpleNamespace(flow_control=Flow())
    made._channels = {RAW: [SimpleNamespace(queue=asyncio.Queue(2))]}
    return made


def test_an_offset_is_committed_once_and_only_when_it_is_done(consumer):
    taken = Taken(records(5, 6, 7))
    consumer.take(taken)
    assert list(consumer._filter_tps_with_pending_acks()) == []
    consumer.processed(taken, taken.records[:2])
    assert list(consumer._filter_tps_with_pending_acks()) == [RAW]
    assert list(consumer._filter_tps_with_pending_acks({"labels"})) == []
    assert (consumer._new_offset(RAW), consumer._new_offset(RAW)) == (7, None)


def test_a_stop_waits_for_all_that_was_taken(consumer):
    taken = Taken(records(5) + records(1, partition=1))
    consumer.take(taken)
    consumer.processed(taken, taken.records[:1])
    assert not taken.acked
    assert taken in consumer._working
    consumer.processed(taken, taken.records[1:])
    assert taken.acked
    assert not consumer._working


async def test_whoever_waits_for_the_last_acknowledgement_is_woken(consumer):
    consumer._waiting_for_ack = asyncio.get_running_loop().create_future()
    taken = Taken(records(1))
    consumer.take(taken)
    consumer.processed(taken, taken.records)
    assert consumer._waiting_for_ack.done()


def test_a_record_that_was_processed_again_does_not_move_the_offset_back(consumer):
    late, again = Taken(records(9)), Taken(records(3))
    consumer.processed(late, late.records)
    consumer.processed(again, again.records)
    assert consumer._new_offset(RAW) == 10


def test_what_has_no_room_stays_and_nothing_is_handed_over_twice(consumer):
    pieces = [Fetched(RAW, 1, records(number)) for number in range(3)]
    left = list(pieces)
    assert not consumer._delivered(left)
    assert left == pieces[2:]
    queue = consumer._channels[RAW][0].queue
    assert [queue.get_nowait(), queue.get_nowait()] == pieces[:2]
    assert consumer._delivered(left)
    assert left == []


def test_nothing_is_handed_over_while_partitions_are_assigned(consumer):
    consumer._app.flow_control.active = False
    left = [Fetched(RAW, 1, records(0))]
    assert not consumer._delivered(left)
    assert len(left) == 1


def test_nothing_more_is_asked_for_while_a_batch_is_worked_on(consumer):
    consumer.idle.set()
    consumer.take(Taken(records(1)))
    assert not consumer.idle.is_set()
