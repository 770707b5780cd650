"""Batches of records: in order, without a gap, and read again when Faust dropped some."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from fraud_app.kafka import batches
from fraud_app.kafka.consumer import BatchConsumer
from fraud_app.kafka.done_offsets import DoneOffsets
from fraud_app.kafka.fetched import RecordRange
from fraud_app.kafka.rewind import read_from_beginning
from fraud_app.kafka.work import FetchedRecords, WorkBatch

RAW, OTHER = TP("raw", 0), TP("raw", 1)


class Flow(asyncio.Event):
    is_active, acquire = asyncio.Event.is_set, asyncio.Event.wait


class Broker(BatchConsumer):
    """A consumer with a broker: its committed and oldest offsets, and how far it was read."""

    def __init__(self):
        self.idle, self._in_work, self.done, self.seeks = asyncio.Event(), set(), DoneOffsets(), 0
        self.assigned, self.committed_offsets, self.oldest = {RAW}, {RAW: 0}, {RAW: 0}
        self.read, self.sought, self.rewound, self._waiting_for_ack = {}, [], {}, None
        self._thread, self.is_away = cast(Any, self), False

    def _ensure_consumer(self):
        return self

    async def call_thread(self, fun, *args):
        return await fun(*args)

    async def committed(self, tp):
        return self.committed_offsets.get(TP(*tp))

    async def earliest_offsets(self, *tps):
        if self.is_away:
            raise KafkaConnectionError
        return {tp: self.oldest.get(tp, 0) for tp in tps}

    async def seek(self, tp, offset):
        self.seeks += 1
        self.sought.append((tp, offset))
        self.read[tp] = offset

    def assignment(self):
        return self.assigned

    def read_offset(self, tp):
        return self.read.get(tp)


class Worker:
    """An application, the stream of its agent, and what the agent is given."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(batches, "LOOK_EVERY_S", 0.01)
        self.consumer, self.flow_control, self.queue = Broker(), Flow(), asyncio.Queue()
        self.consumer_generation_id, self.rebalancing, self.should_stop = 1, False, False
        self.flow_control.set()
        self.app, self.channel = self, SimpleNamespace(queue=self.queue, topics=["raw"])
        self.started, self.given = [], []
        self.working = None

    async def maybe_start(self):
        pass

    def fetched(self, start, end, *offsets, tp=RAW, generation=None, seek=None):
        """A piece reaches the agent's queue; without offsets named, it has them all."""
        records = [
            SimpleNamespace(topic=tp[0], partition=tp[1], offset=offset)
            for offset in (offsets or range(start, end))
        ]
        generation = generation or self.consumer_generation_id
        seek = self.consumer.seeks if seek is None else seek
        self.queue.put_nowait(
            FetchedRecords(tp, generation, RecordRange(records, start, end), seek)
        )
        self.consumer.read[tp] = end

    def batches(self, limit=100):
        def on_start(tp, offset):
            self.started.append((tp, offset))

        return batches.work_batches(self, limit, on_start)

    async def work(self, limit):
        async for batch in self.batches(limit):
            self.given += [record.offset for record in batch.records]
            batches.acknowledge(self, batch, batch.records)

    async def given_until(self, condition, limit=100):
        """The offsets that the agent was given until a condition became true."""
        self.working = self.working or asyncio.create_task(self.work(limit))
        async with asyncio.timeout(5):
            while not condition():
                assert not self.working.done(), self.working
                await asyncio.sleep(0.001)
        return self.given


@pytest.fixture
async def worker(monkeypatch):
    worker = Worker(monkeypatch)
    yield worker
    if worker.working:
        worker.working.cancel()


async def test_offsets_that_hold_no_record_cost_nothing_and_are_done(worker):
    worker.fetched(0, 10, 0, 1, 5)
    worker.fetched(10, 11, 10)
    worker.fetched(11, 13, 11)
    worker.queue.put_nowait(FetchedRecords(RAW, 1, RecordRange([], 13, 14), 0))  # a marker
    worker.consumer.read[RAW] = 14
    done = worker.consumer.done
    assert await worker.given_until(lambda: done.of(RAW) == 14) == [0, 1, 5, 10, 11]
    assert worker.consumer.sought == []


async def test_a_piece_that_was_dropped_is_read_again(worker):
    consumer = worker.consumer
    worker.fetched(0, 3)
    worker.fetched(5, 7)
    worker.fetched(7, 9)
    await worker.given_until(lambda: consumer.sought == [(RAW, 3)])
    worker.fetched(3, 9)
    assert await worker.given_until(lambda: consumer.done.of(RAW) == 9) == [*range(9)]
    assert consumer.seeks == 1


async def test_last_records_before_a_silence_are_read_again_when_faust_dropped_them(worker):
    """No later record comes that would show the gap, and another partition is never silent."""
    consumer = worker.consumer
    consumer.assigned = {RAW, OTHER}
    consumer.committed_offsets[OTHER] = 0
    worker.fetched(0, 7)
    consumer.read[RAW] = 10  # 7 to 9 were dropped

    def busy_until_sought():
        worker.fetched(start := consumer.read.get(OTHER, 0), start + 1, tp=OTHER)
        return consumer.sought

    await worker.given_until(busy_until_sought)
    assert consumer.sought == [(RAW, 7)]


async def test_what_was_fetched_before_a_rewind_is_dropped_however_often_it_was(worker):
    """Faust reads records twice when it seeks to the commit after it has fetched from there."""
    consumer = worker.consumer
    consumer.committed_offsets[RAW] = consumer.read[RAW] = 20
    for _ in range(2):
        worker.fetched(20, 30)
    given = []
    async for batch in worker.batches(limit=10):
        given.append([record.offset for record in batch.records])
        if len(given) == 1:
            batches.drop(worker, batch)
            await read_from_beginning(worker, RAW)
            worker.fetched(0, 30)
        else:
            batches.acknowledge(worker, batch, batch.records)
        if given[-1][-1] == 29 and len(given) > 1:
            break
    assert given == [[*range(20, 30)], [*range(10)], [*range(10, 20)], [*range(20, 30)]]
    assert consumer.sought == [(RAW, 0)]


async def test_a_rewind_before_a_rebalance_is_forgotten(worker):
    """Whoever reads the partition now begins at its commit, and looks for himself."""
    consumer = worker.consumer
    worker.fetched(0, 3)
    await worker.given_until(lambda: consumer.done.of(RAW) == 3)
    consumer.rewound[RAW] = 0, 1
    worker.consumer_generation_id, consumer.committed_offsets[RAW] = 2, 3
    worker.fetched(3, 5)
    assert await worker.given_until(lambda: consumer.done.of(RAW) == 5) == [*range(5)]
    assert consumer.rewound == {}
    assert consumer.sought == []


async def test_nothing_is_read_again_during_a_rebalance_or_while_it_waits_here(worker):
    worker.rebalancing = True
    worker.consumer.read[RAW] = 10
    looks = []
    await worker.given_until(lambda: looks.append(1) or len(looks) > 50)
    worker.rebalancing = False
    worker.fetched(0, 10)
    worker.flow_control.clear()
    await worker.given_until(lambda: looks.append(1) or len(looks) > 100)
    assert worker.consumer.sought == []


@pytest.mark.parametrize("silent", [True, False])
async def test_what_expired_before_it_was_read_is_passed_and_all_else_is_read(worker, silent):
    """DeleteRecords, or retention, past the committed offset; later records come or do not."""
    consumer = worker.consumer
    consumer.committed_offsets[RAW], consumer.oldest[RAW] = 5, 20
    consumer.read[RAW] = 20
    if not silent:
        worker.fetched(20, 22)
    end = 20 if silent else 22
    given = await worker.given_until(lambda: consumer.done.of(RAW) == end)
    assert given == [*range(20, end)]
    assert consumer.sought == []


async def test_a_broker_that_does_not_answer_ends_nothing(worker):
    consumer = worker.consumer
    consumer.is_away = True
    consumer.committed_offsets.clear()
    worker.fetched(0, 2)
    await worker.given_until(lambda: worker.queue.empty())
    consumer.is_away = False
    await worker.given_until(lambda: consumer.sought == [(RAW, 0)])
    worker.fetched(0, 2)
    assert await worker.given_until(lambda: consumer.done.of(RAW) == 2) == [0, 1]


async def test_pieces_of_an_earlier_assignment_are_read_again(worker):
    worker.fetched(0, 3, generation=7)
    await worker.given_until(lambda: worker.consumer.sought == [(RAW, 0)])
    assert worker.given == []


async def test_partitions_that_move_while_records_are_admitted_take_these_with_them(worker):
    worker.consumer.assigned = {RAW, OTHER}
    worker.fetched(0, 3)
    worker.fetched(0, 3, tp=OTHER)

    async def committed(tp):
        if TP(*tp) == OTHER:
            worker.consumer_generation_id = 2
            worker.consumer.assigned = {OTHER}
        return 0

    worker.consumer.committed = committed
    await worker.given_until(lambda: worker.consumer.sought)
    assert worker.given == []
    assert worker.consumer.sought == [(OTHER, 0)]


async def test_records_that_are_admitted_as_a_rebalance_begins_are_left_to_their_next_owner(worker):
    worker.consumer.assigned = {RAW, OTHER}
    worker.fetched(0, 3)
    worker.fetched(0, 3, tp=OTHER)

    async def committed(tp):
        if TP(*tp) == OTHER:
            worker.flow_control.clear()
        return 0

    worker.consumer.committed = committed
    await worker.given_until(lambda: not worker.flow_control.is_active())
    worker.consumer_generation_id = 2
    worker.consumer.assigned = {RAW}
    worker.flow_control.set()
    worker.fetched(0, 2)
    assert await worker.given_until(lambda: worker.given) == [0, 1]


async def test_a_partition_begins_once_at_its_committed_offset(worker):
    worker.consumer.committed_offsets[RAW] = 4
    worker.fetched(4, 9)
    assert await worker.given_until(lambda: len(worker.given) == 5, limit=2) == [4, 5, 6, 7, 8]
    assert worker.started == [(RAW, 4)]


async def test_consumer_keeps_fetching_when_partitions_move_while_records_wait(worker):
    """The flow is stopped until the changelogs are read, and they are fetched only when idle."""
    worker.fetched(0, 2)
    consumer, yielded = worker.consumer, worker.batches(limit=1)
    assert [record.offset for record in (await anext(yielded)).records] == [0]
    assert not consumer.idle.is_set()
    worker.flow_control.clear()
    following = asyncio.create_task(anext(yielded))
    await asyncio.wait_for(consumer.idle.wait(), 1)
    assert not following.done()
    worker.flow_control.set()
    batch = await asyncio.wait_for(following, 1)
    assert isinstance(batch, WorkBatch)
    assert [record.offset for record in batch.records] == [1]
