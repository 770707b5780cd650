"""Requests that wait for a decision."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.decision_waiters import DecisionWaiters

ONE, OTHER = TransactionKey("ann", "t1"), TransactionKey("ann", "t2")


async def test_every_request_for_a_transaction_gets_its_message():
    waiters = DecisionWaiters()
    first, second, other = waiters.expect(ONE), waiters.expect(ONE), waiters.expect(OTHER)
    waiters.resolve(ONE, b"{}")
    assert (first.result(), second.result(), other.done()) == (b"{}", b"{}", False)


async def test_a_message_that_comes_twice_or_for_nobody_does_no_harm():
    waiters = DecisionWaiters()
    waiting = waiters.expect(ONE)
    waiters.resolve(ONE, b"first")
    waiters.resolve(ONE, b"second")
    waiters.resolve(OTHER, b"nobody waits")
    assert waiting.result() == b"first"


async def test_nothing_is_left_behind_when_all_are_forgotten():
    waiters = DecisionWaiters()
    first, second = waiters.expect(ONE), waiters.expect(ONE)
    waiters.forget(ONE, first)
    assert waiters
    waiters.forget(ONE, second)
    assert not waiters


keys = st.builds(TransactionKey, st.sampled_from("ab"), st.sampled_from("ab"))


@given(expected=st.lists(keys, max_size=12), decided=st.permutations(["aa", "ab", "ba", "bb"]))
def test_whoever_waits_with_whom_each_gets_the_decision_of_its_own_customer(expected, decided):
    async def wait():
        waiters = DecisionWaiters()
        futures = [(key, waiters.expect(key)) for key in expected]
        for user, identity in decided:
            waiters.resolve(TransactionKey(user, identity), f"{user}{identity}".encode())
        for key, future in futures:
            assert (await future).decode() == "".join(key)

    asyncio.run(wait())
