"""Requests that wait for a decision."""

from fraud_app.decision_waiters import DecisionWaiters


async def test_every_request_for_a_transaction_gets_its_message():
    waiters = DecisionWaiters()
    first, second, other = waiters.expect("t1"), waiters.expect("t1"), waiters.expect("t2")
    waiters.resolve("t1", b"{}")
    assert (first.result(), second.result(), other.done()) == (b"{}", b"{}", False)


async def test_a_message_that_comes_twice_or_for_nobody_does_no_harm():
    waiters = DecisionWaiters()
    waiting = waiters.expect("t1")
    waiters.resolve("t1", b"first")
    waiters.resolve("t1", b"second")
    waiters.resolve("t2", b"nobody waits")
    assert waiting.result() == b"first"


async def test_nothing_is_left_behind_when_all_are_forgotten():
    waiters = DecisionWaiters()
    first, second = waiters.expect("t1"), waiters.expect("t1")
    waiters.forget("t1", first)
    assert waiters
    waiters.forget("t1", second)
    assert not waiters
