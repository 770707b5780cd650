"""The private parts of Faust and aiokafka that we lean on; an upgrade that moves one turns these
red.
"""

import asyncio
import inspect
from types import SimpleNamespace

import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher
from faust.tables.base import Collection
from faust.transport.conductor import Conductor
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import Producer
from faust.types import TP

from fraud_app.kafka import compat
from fraud_app.kafka.consumer import BatchConsumer, FetchedRecords
from fraud_app.kafka.ordering import OffsetOrder


def test_what_is_used_of_faust_is_there():
    assert faust.__version__.startswith("0.15")
    assert "_ensure_producer" in vars(Producer)
    assert {
        "getmany",
        "unacked",
        "_new_offset",
        "_filter_tps_with_pending_acks",
        "wait_empty",
    } <= vars(Consumer).keys()
    assert {"_wait_next_records", "_get_active_partitions", "_clean_unacked_messages"} <= vars(
        Consumer
    ).keys()
    for name in ("_prefetch_backoff", "_fetch_max_wait_ms", "self._proc_fetch_request("):
        assert name in inspect.getsource(Fetcher)
    for name in (
        "_committed_offset",
        "_buffered_partitions",
        "_waiting_for_ack",
        "suspend_flow",
        "flow_active",
    ):
        assert name in inspect.getsource(Consumer)
    assert "_tp_index" in inspect.getsource(Conductor)
    assert {"apply_changelog_batch", "changelog_topic_name"} <= vars(Collection).keys()
    from faust.stores.rocksdb import Store

    assert {"_db_for_partition", "set_persisted_offset"} <= vars(Store).keys()
    assert "self._dbs" in inspect.getsource(Store)


async def test_the_last_records_before_a_silence_are_asked_for_again_when_faust_dropped_them():
    """Read up to 10 by the consumer, but the agent was given only what lies before 7, and nothing
    else comes to show the gap.
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
            return 1  # of raw 2, which was never begun: all that was read of it was dropped

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
    assert sorted(await compat._skipped_partitions(App, ["raw"], order)) == [
        (TP("raw", 0), 7),
        (TP("raw", 2), 1),
    ]
    App.rebalancing = True
    assert await compat._skipped_partitions(App, ["raw"], order) == []


async def test_partitions_that_move_while_records_wait_find_the_broker_asked_again():
    """The flow is stopped until the changelogs are read; who asks only when idle must be idle
    meanwhile.
    """

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

    async def started():
        pass

    stream = SimpleNamespace(
        app=app, channel=SimpleNamespace(queue=queue), should_stop=False, maybe_start=started
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compat, "_start_offset", lambda *_: asyncio.sleep(0, 0))
        batches = compat.work_batches(stream, 1)
        assert [record.offset for record in (await anext(batches)).records] == [0]
        assert not consumer.idle.is_set()
        flow.clear()
        following = asyncio.create_task(anext(batches))
        await asyncio.wait_for(consumer.idle.wait(), 1)
        assert not following.done()
        flow.set()
        assert [record.offset for record in (await asyncio.wait_for(following, 1)).records] == [1]
