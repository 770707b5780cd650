"""Batches that wait for the broker: their order, their number, and their bound for each user."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.in_flight import InFlightBatch, InFlightBatches, split_by_user_limit
from tables.user_row import MAX_PENDING


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60))
def test_ranges_cover_the_batch_and_bound_the_transactions_of_each_user(users):
    ranges = list(split_by_user_limit(users))
    assert [index for start, end in ranges for index in range(start, end)] == list(
        range(len(users))
    )
    for start, end in ranges:
        counts = Counter(user for user in users[start:end] if user)
        assert all(count <= MAX_PENDING for count in counts.values())


class Broker:
    """Batches whose messages are acknowledged when the test says so."""

    def __init__(self):
        self.acknowledged = []

    def batch(self, name, users=("u",)):
        sent = asyncio.get_running_loop().create_future()

        def acknowledge(offsets):
            self.acknowledged.append((name, offsets))

        return sent, InFlightBatch(Counter(users), sent, acknowledge)


@pytest.fixture
def failures():
    return []


@pytest.fixture
async def in_flight(failures):
    return InFlightBatches(2, failures.append)


async def test_batches_are_acknowledged_in_order_whichever_the_broker_answers_first(
    in_flight, failures
):
    broker = Broker()
    first, a = broker.batch("a")
    second, b = broker.batch("b")
    in_flight.submit(a)
    in_flight.submit(b)
    second.set_result(2)
    await asyncio.sleep(0)
    assert broker.acknowledged == []
    first.set_result(1)
    await in_flight.wait_for_capacity(Counter(["u"] * MAX_PENDING))
    assert broker.acknowledged == [("a", 1), ("b", 2)]
    assert failures == []


async def test_a_batch_waits_while_the_limit_of_batches_is_in_flight(in_flight):
    broker = Broker()
    sent, a = broker.batch("a", ["a"])
    in_flight.submit(a)
    in_flight.submit(broker.batch("b", ["b"])[1])
    waiting = asyncio.create_task(in_flight.wait_for_capacity(Counter(["c"])))
    await asyncio.sleep(0)
    assert not waiting.done()
    sent.set_result(None)
    await asyncio.wait_for(waiting, 1)


async def test_a_user_with_too_many_pending_decisions_waits_and_others_do_not(in_flight):
    broker = Broker()
    sent, full = broker.batch("a", ["hot"] * MAX_PENDING)
    in_flight.submit(full)
    await asyncio.wait_for(in_flight.wait_for_capacity(Counter(["cold"])), 1)
    waiting = asyncio.create_task(in_flight.wait_for_capacity(Counter(["hot"])))
    await asyncio.sleep(0)
    assert not waiting.done()
    sent.set_result(None)
    await asyncio.wait_for(waiting, 1)


async def test_after_a_failed_send_nothing_is_acknowledged(in_flight, failures):
    broker = Broker()
    sent, batch = broker.batch("a")
    later, next_batch = broker.batch("b")
    in_flight.submit(batch)
    in_flight.submit(next_batch)
    lost = OSError("no broker")
    later.set_result(2)
    sent.set_exception(lost)
    await asyncio.sleep(0)
    assert failures == [lost]
    assert broker.acknowledged == []


async def test_a_failed_acknowledgement_is_reported_as_well(in_flight, failures):
    sent = asyncio.get_running_loop().create_future()
    error = RuntimeError("no consumer")

    def acknowledge(offsets):
        raise error

    in_flight.submit(InFlightBatch(Counter(["u"]), sent, acknowledge))
    sent.set_result({})
    await asyncio.sleep(0)
    assert failures == [error]


async def test_after_an_abort_nothing_is_acknowledged(in_flight, failures):
    broker = Broker()
    sent, batch = broker.batch("a")
    in_flight.submit(batch)
    in_flight.abort()
    sent.set_result(1)
    await asyncio.sleep(0)
    assert (broker.acknowledged, failures) == ([], [])


async def test_who_waits_until_nothing_is_in_flight_waits_for_every_acknowledgement(in_flight):
    broker = Broker()
    await in_flight.wait_until_empty()
    first, a = broker.batch("a")
    second, b = broker.batch("b")
    in_flight.submit(a)
    in_flight.submit(b)
    waiting = asyncio.ensure_future(in_flight.wait_until_empty())
    first.set_result(1)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    second.set_result(2)
    await asyncio.wait_for(waiting, 1)
