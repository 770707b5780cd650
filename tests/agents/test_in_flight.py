import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.in_flight import Flight, InFlight, parts
from tables.user_row import PENDING


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60))
def test_parts_cover_the_batch_and_bound_each_user(users):
    ranges = list(parts(users))
    assert [place for start, end in ranges for place in range(start, end)] == list(range(len(users)))
    for start, end in ranges:
        counts = Counter(user for user in users[start:end] if user)
        assert all(count <= PENDING for count in counts.values())


class Broker:
    """Sends that are acknowledged when the test says so."""

    def __init__(self):
        self.done = []

    def flight(self, name, users=("u",)):
        sent = asyncio.get_running_loop().create_future()

        def landed(offsets):
            self.done.append((name, offsets))

        return sent, Flight(Counter(users), sent, landed)


@pytest.fixture
def failures():
    return []


@pytest.fixture
async def flights(failures):
    return InFlight(2, failures.append)


async def test_flights_land_in_order_whatever_is_acknowledged_first(flights, failures):
    broker = Broker()
    first, a = broker.flight("a")
    second, b = broker.flight("b")
    flights.take_off(a)
    flights.take_off(b)
    second.set_result(2)
    await asyncio.sleep(0)
    assert broker.done == []
    first.set_result(1)
    await flights.room(Counter(["u"] * PENDING))
    assert broker.done == [("a", 1), ("b", 2)]
    assert failures == []


async def test_no_more_than_so_many_are_on_their_way(flights):
    broker = Broker()
    sent, a = broker.flight("a", ["a"])
    flights.take_off(a)
    flights.take_off(broker.flight("b", ["b"])[1])
    waiting = asyncio.create_task(flights.room(Counter(["c"])))
    await asyncio.sleep(0)
    assert not waiting.done()
    sent.set_result(None)
    await asyncio.wait_for(waiting, 1)


async def test_a_user_waits_for_room_and_others_do_not(flights):
    broker = Broker()
    sent, full = broker.flight("a", ["hot"] * PENDING)
    flights.take_off(full)
    await asyncio.wait_for(flights.room(Counter(["cold"])), 1)
    waiting = asyncio.create_task(flights.room(Counter(["hot"])))
    await asyncio.sleep(0)
    assert not waiting.done()
    sent.set_result(None)
    await asyncio.wait_for(waiting, 1)


async def test_after_a_send_that_fails_nothing_lands_any_more(flights, failures):
    broker = Broker()
    sent, flight = broker.flight("a")
    later, next_flight = broker.flight("b")
    flights.take_off(flight)
    flights.take_off(next_flight)
    lost = OSError("no broker")
    later.set_result(2)
    sent.set_exception(lost)
    await asyncio.sleep(0)
    assert failures == [lost]
    assert broker.done == []


async def test_an_acknowledgement_that_fails_is_told_too(flights, failures):
    sent = asyncio.get_running_loop().create_future()
    wrong = RuntimeError("no consumer")

    def done(offsets):
        raise wrong

    flights.take_off(Flight(Counter(["u"]), sent, done))
    sent.set_result({})
    await asyncio.sleep(0)
    assert failures == [wrong]


async def test_once_grounded_nothing_lands(flights, failures):
    broker = Broker()
    sent, flight = broker.flight("a")
    flights.take_off(flight)
    flights.ground()
    sent.set_result(1)
    await asyncio.sleep(0)
    assert (broker.done, failures) == ([], [])
