"""How the broker is asked, by how much there is to read; and a thread's service as a task of the same loop."""

import asyncio
import threading

from hypothesis import given
from hypothesis import strategies as st
from mode.threads import QueueServiceThread

from fraud_app.prompt_consumer import GATHERING, PROMPT, QUIET_WAIT_MS, Pace, PromptConsumer, SameLoop

QUIET = (QUIET_WAIT_MS, 1)


def after(pace, rate, seconds, every_s=0.01, start=0.0):
    asks = QUIET
    for number in range(1, round(seconds / every_s) + 1):
        asks = pace.asks(round(rate * every_s), start + number * every_s)
    return asks


def test_a_quiet_topic_is_answered_at_the_first_byte_and_a_busy_one_is_gathered():
    pace = Pace(PROMPT, 0.0)
    assert pace.asks(0, 0.01) == QUIET
    assert after(pace, 1000, 3) == (PROMPT.wait_ms, PROMPT.least_bytes)
    assert after(pace, 100, 5, start=3.0) == QUIET


def test_one_burst_after_a_long_silence_does_not_make_it_busy():
    pace = Pace(PROMPT, 0.0)
    assert pace.asks(200, 60.0) == QUIET


def test_what_may_take_its_time_always_gathers():
    assert Pace(GATHERING, 0.0).asks(0, 1.0) == (GATHERING.wait_ms, GATHERING.least_bytes)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 100)), max_size=50))
def test_the_rate_never_leaves_what_was_seen(steps):
    pace, now, most = Pace(PROMPT, 0.0), 0.0, 0.0
    for records, spent in steps:
        now += spent
        most = max(most, records / max(spent, 1e-6))
        pace.asks(records, now)
        assert 0 <= pace.rate <= most * (1 + 1e-9)


class Served(QueueServiceThread):
    Worker = SameLoop
    call_thread = PromptConsumer.call_thread
    _gather_remaining_tasks = PromptConsumer._gather_remaining_tasks
    stopped_in = None

    async def on_thread_stop(self):
        await super().on_thread_stop()
        self.stopped_in = threading.get_ident()


async def test_the_service_lives_and_ends_in_the_loop_that_started_it():
    loop = asyncio.get_running_loop()
    service = Served(loop=loop, thread_loop=loop)
    bystander = asyncio.create_task(asyncio.sleep(60))
    await service.start()

    async def where():
        return threading.get_ident(), asyncio.get_running_loop()

    assert await service.call_thread(where) == (threading.get_ident(), loop)
    await service.stop()
    assert service.stopped_in == threading.get_ident()
    assert not bystander.done()
    bystander.cancel()
