"""Batches of records: in order, without a gap, and read again when Faust dropped some."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.types import TP

from fraud_app.kafka import batches
from fraud_app.kafka.consumer import BatchConsumer, FetchedRecords
from fraud_app.kafka.ordering import OffsetOrder


async def test_last_records_before_a_silence_are_read_again_when_faust_dropped_them():
    """The consumer has read up to 10, the agent got the records before 7, and no later record comes
    that would show the gap.
    """
    positions = {TP("raw", 0): 10, TP("raw", 1): 4, TP("labels", 0): 9, TP("raw", 2): 3}

    class State:
        has_valid_position = True

        def __init__(self, position):
            self.position = position

    class Aiokafka:
        class _subscription:  # noqa: N801 - aiokafka's name
            class subscription:  # noqa: N801
                class assignment:  # noqa: N801
                    @staticmethod
                    def state_value(tp):
                        return State(positions[TP(*tp)])

        async def committed(self, tp):
            return 1  # of raw 2, of which every record was dropped

    class Thread:
        def _ensure_consumer(self):
            return Aiokafka()

        async def call_thread(self, fun, *args):
            return await fun(*args)

    class App:
        rebalancing = False

        class consumer:  # noqa: N801 - Faust's name
            _thread = Thread()
            assignment = staticmethod(lambda: set(positions))

    order = OffsetOrder()
    order.start_at(TP("raw", 0), 7)
    order.start_at(TP("raw", 1), 4)
    assert sorted(await batches._skipped_partitions(App, ["raw"], order)) == [
        (TP("raw", 0), 7),
        (TP("raw", 2), 1),
    ]
    App.rebalancing = True
    assert await batches._skipped_partitions(App, ["raw"], order) == []


async def test_consumer_keeps_fetching_when_partitions_move_while_records_wait():
    """The flow is stopped until the changelogs are read, and they are fetched only when idle."""

    class Flow(asyncio.Event):
        is_active, acquire = asyncio.Event.is_set, asyncio.Event.wait

    class Worker(BatchConsumer):
        def __init__(self):
            self.idle, self._in_work = asyncio.Event(), set()

        def assignment(self):
            return {tp}

    tp = TP("raw", 0)
    records = [SimpleNamespace(topic="raw", partition=0, offset=offset) for offset in range(2)]
    queue = asyncio.Queue()
    queue.put_nowait(FetchedRecords(tp, 1, records))
    consumer, flow = Worker(), Flow()
    flow.set()
    app = SimpleNamespace(consumer=consumer, flow_control=flow, consumer_generation_id=1)

    async def maybe_start():
        pass

    stream = SimpleNamespace(
        app=app, channel=SimpleNamespace(queue=queue), should_stop=False, maybe_start=maybe_start
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batches, "_start_offset", lambda *_: asyncio.sleep(0, 0))
        yielded = batches.work_batches(stream, 1)
        assert [record.offset for record in (await anext(yielded)).records] == [0]
        assert not consumer.idle.is_set()
        flow.clear()
        following = asyncio.create_task(anext(yielded))
        await asyncio.wait_for(consumer.idle.wait(), 1)
        assert not following.done()
        flow.set()
        assert [record.offset for record in (await asyncio.wait_for(following, 1)).records] == [1]
