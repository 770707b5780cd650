"""Who gives way when there is no room, and what is ended when it takes too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.http.connections import SWEEP_S, Connections, Limits, Phase, address_of

LIMITS = Limits(4, 2, {Phase.RECEIVING: 5.0, Phase.IDLE: 75.0, Phase.SENDING: 30.0})


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("web.http.connections.time", clock)
    return clock


def opened(connections, address, phase=Phase.RECEIVING):
    """A connection in this phase; `ended` lists it once it was ended."""
    ended = []
    connection = connections.admit(address, lambda: ended.append(True))
    assert connection is not None
    connection.enter(phase)
    return connection, ended


def test_the_oldest_half_open_connection_of_the_same_address_gives_way(clock):
    connections = Connections(LIMITS)
    _, first = opened(connections, "a")
    clock.now += 1
    _, second = opened(connections, "a")
    _, other = opened(connections, "b")
    opened(connections, "a")
    assert (first, second, other) == ([True], [], [])
    assert len(connections) == 3


def test_an_idle_connection_gives_way_only_when_none_is_half_open(clock):
    connections = Connections(LIMITS)
    _, idle = opened(connections, "a", Phase.IDLE)
    clock.now += 1
    _, half_open = opened(connections, "a")
    opened(connections, "a", Phase.HANDLING)
    assert (idle, half_open) == ([], [True])
    opened(connections, "a", Phase.HANDLING)
    assert idle == [True]


def test_served_connections_never_give_way(clock):
    connections = Connections(LIMITS)
    for address in "abcd":
        opened(connections, address, Phase.HANDLING)
    assert connections.admit("e", lambda: None) is None
    assert len(connections) == 4


@pytest.mark.parametrize(
    ("phase", "longest"),
    [(Phase.RECEIVING, 5), (Phase.SENDING, 30), (Phase.IDLE, 75), (Phase.HANDLING, None)],
)
def test_each_phase_has_its_own_time(clock, phase, longest):
    connections = Connections(LIMITS)
    _, ended = opened(connections, "a", phase)
    lasted = 0
    while not ended and lasted < 200:
        clock.now += SWEEP_S
        lasted += 1
        connections.sweep()
    assert lasted == (200 if longest is None else longest + 1)


def test_time_in_which_the_process_stood_still_ends_nothing(clock):
    connections = Connections(LIMITS)
    connection, ended = opened(connections, "a")
    clock.now += 60
    connections.sweep()
    assert ended == []
    connection.enter(Phase.HANDLING)  # its request had come meanwhile
    clock.now += SWEEP_S
    connections.sweep()
    assert ended == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Phase), st.booleans())))
def test_the_caps_hold_whatever_comes(steps):
    connections = Connections(LIMITS)
    held = []
    for address, phase, leaves in steps:
        connection = connections.admit(address, lambda: None)
        if connection is not None:
            connection.enter(phase)
            held.append(connection)
        if leaves and held:
            connections.forget(held.pop(0))
        assert len(connections) <= LIMITS.total
    for connection in held:
        connections.forget(connection)
        connections.forget(connection)
    assert len(connections) == 0
    assert all(connections.admit(address, lambda: None) for address in "abc")


def test_a_mapped_address_is_its_ipv4_address():
    assert address_of(("::ffff:203.0.113.9", 1, 0, 0)) == "203.0.113.9"
    assert address_of(("fe80::1:2:3%eth0", 1, 0, 0)) == address_of(("fe80::9", 1, 0, 0))
