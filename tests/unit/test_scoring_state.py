"""Whether a worker scores."""

import asyncio

from fraud_app.scoring_state import ScoringState


def test_a_worker_scores_until_something_says_otherwise():
    state = ScoringState()
    assert state.reason == ""
    state.stopped = "transactions fail alike"
    assert state.reason == "transactions fail alike"
    state.topic_unusable = "the topic is missing"
    assert state.reason == "the topic is missing", "nothing can be decided without it"


async def test_a_topic_that_cannot_be_used_is_waited_for():
    state = ScoringState()
    await asyncio.wait_for(state.topic_usable(), 1)
    state.topic_unusable = "the topic is missing"
    waiting = asyncio.ensure_future(state.topic_usable())
    await asyncio.sleep(0)
    assert not waiting.done()
    state.topic_unusable = ""
    await asyncio.wait_for(waiting, 10)
