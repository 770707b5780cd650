"""What a worker may believe of its membership: only what the broker confirmed lately."""

import asyncio

import pytest

from fraud_app.kafka.membership import SHARE_OF_SESSION, Membership, MembershipLost, follow

SESSION_S = 10.0


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def membership(clock):
    membership = Membership(SESSION_S, clock)
    membership.join()
    return membership


def test_it_is_certain_for_less_than_the_session_timeout_after_a_heartbeat(clock, membership):
    clock.now += SESSION_S * SHARE_OF_SESSION - 0.1
    assert membership.is_certain
    clock.now += 0.2
    assert not membership.is_certain


def test_a_late_answer_counts_from_when_it_was_asked_for(clock, membership):
    asked_at = clock.now
    clock.now += SESSION_S
    membership.confirm(asked_at)
    assert not membership.is_certain


def test_before_the_first_assignment_it_is_not_certain(clock):
    assert not Membership(SESSION_S, clock).is_certain


async def test_who_has_slept_waits_until_the_broker_still_knows_it(clock, membership):
    clock.now += SESSION_S
    waiting = asyncio.ensure_future(membership.require())
    await asyncio.sleep(0)
    assert not waiting.done()
    membership.confirm(clock.now)
    await waiting


async def test_who_has_slept_too_long_gives_its_work_up(clock, membership):
    clock.now += SESSION_S
    waiting = asyncio.ensure_future(membership.require())
    await asyncio.sleep(0)
    membership.lose()
    with pytest.raises(MembershipLost):
        await waiting


async def test_after_it_has_joined_again_it_is_certain(membership):
    membership.lose()
    membership.join()
    await membership.require()


class Coordinator:
    """What aiokafka's coordinator does, by script."""

    def __init__(self, answer):
        self.answer, self.was_reset = answer, False

    async def _do_heartbeat(self):
        return self.answer

    def reset_generation(self):
        self.was_reset = True


async def test_it_follows_what_the_coordinator_learns():
    membership = Membership(SESSION_S)
    coordinator = Coordinator(answer=False)
    follow(coordinator, membership)
    assert not await coordinator._do_heartbeat()
    assert not membership.is_certain
    coordinator.answer = True
    assert await coordinator._do_heartbeat()
    assert membership.is_certain
    coordinator.reset_generation()
    assert coordinator.was_reset
    assert not membership.is_certain
