"""What Faust knows of an application and does not say in public."""

import asyncio
from types import SimpleNamespace

from faust.exceptions import NotReady
from faust.types import TP

from fraud_app.kafka.compat import assigned_partitions, broker_responds, held, lag, to_recover


class Consumer:
    next_to_commit = {TP("raw", 0): 7, TP("raw", 1): 12, TP("raw", 3): 1, TP("other", 0): 1}.get
    end_offset = {TP("raw", 0): 10, TP("raw", 1): 9, TP("raw", 2): 5, TP("other", 0): 9}.get
    highwater = {TP("raw", 0): 12, TP("raw", 1): 9, TP("raw", 2): 5, TP("other", 0): 99}.get

    def assignment(self):
        return {TP("raw", 0), TP("raw", 1), TP("raw", 2), TP("raw", 3), TP("other", 0)}


def test_the_lag_is_what_can_be_read_and_is_not_done_and_never_negative():
    app = SimpleNamespace(consumer=Consumer())
    assert lag(app, "raw") == {0: 3, 1: 0}, "of the others one of the two is not known yet"


def test_before_the_consumer_exists_there_is_no_lag():
    assert lag(SimpleNamespace(consumer=None), "raw") == {}
    assert held(SimpleNamespace(consumer=None), "raw") == {}


def test_what_is_behind_an_open_transaction_is_held():
    assert held(SimpleNamespace(consumer=Consumer()), "raw") == {0: (10, 2)}


def test_partitions_are_those_that_are_read_not_those_on_standby():
    assignor = SimpleNamespace(assigned_actives=lambda: {TP("raw", 3), TP("raw", 1), TP("x", 9)})
    assert assigned_partitions(SimpleNamespace(assignor=assignor), "raw") == {1, 3}


def test_only_a_rebalance_leaves_something_to_recover():
    tables = SimpleNamespace(recovery=SimpleNamespace(active_remaining_total=lambda: 40))
    assert to_recover(SimpleNamespace(rebalancing=True, tables=tables)) == 40
    assert to_recover(SimpleNamespace(rebalancing=False, tables=tables)) == 0


async def test_a_broker_that_does_not_answer_in_time_is_no_broker():
    async def never():
        await asyncio.Event().wait()

    async def at_once():
        return True

    def app(update):
        client = SimpleNamespace(force_metadata_update=update)
        producer = SimpleNamespace(_ensure_producer=lambda: SimpleNamespace(client=client))
        return SimpleNamespace(producer=producer)

    def not_started():
        raise NotReady

    assert await broker_responds(app(at_once), 1.0)
    assert not await broker_responds(app(never), 0.01)
    unstarted = SimpleNamespace(producer=SimpleNamespace(_ensure_producer=not_started))
    assert not await broker_responds(unstarted, 1.0)
