"""What ends a process that makes no progress, and what does not."""

from types import SimpleNamespace

import pytest

from agents.background import progress
from agents.background.progress import Watched
from fraud_app import supervision


class Ended(Exception):
    """Raised where the process would end."""


class Clock:
    """An application, its broker and the time; the process looks every two seconds."""

    def __init__(self, monkeypatch):
        self.now, self.member, self.lag, self.held = 0.0, True, {0: 0}, False
        self.app = SimpleNamespace(should_stop=False, rebalancing=False)
        self.to_recover, self.said = 0, []
        self._until = 0.0
        self.sleep = self._sleep
        for name, replacement in {
            "time": SimpleNamespace(monotonic=lambda: self.now),
            "asyncio": SimpleNamespace(sleep=lambda seconds: self.sleep(seconds)),
            "_member": self._member,
            "compat.lag": lambda app, topic: self.lag,
            "compat.to_recover": lambda app: self.to_recover,
            "crash.log_tasks": lambda: None,
            "crash.end_process": self._end,
        }.items():
            monkeypatch.setattr(f"agents.background.progress.{name}", replacement)

    async def _sleep(self, seconds):
        self.said.append(supervision.standing_still.get("feed", ""))
        self.now += seconds
        self.app.should_stop = self.now >= self._until

    async def _member(self, app):
        return self.member

    def _end(self, reason):
        raise Ended(reason)

    async def watch(self, seconds):
        """What was said of the feed in so many seconds."""
        self._until, self.app.should_stop = self.now + seconds, False
        await progress.end_at_standstill(
            Watched("feed", self.app, "topic", lambda: {0: 7}, lambda: self.held)
        )
        return set(self.said)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


async def test_nothing_is_said_of_an_application_that_has_nothing_to_do(clock):
    assert await clock.watch(600) == {""}


async def test_records_that_wait_are_said_and_end_the_process_after_half_a_minute(clock):
    clock.lag = {0: 3}
    with pytest.raises(Ended, match="records wait"):
        await clock.watch(60)
    assert 30 <= clock.now <= 36
    assert any("records wait and none was processed for 12 s" in said for said in clock.said)
    assert supervision.standing_still == {}


async def test_a_group_without_this_process_is_said_and_ends_it(clock):
    clock.member = False
    with pytest.raises(Ended, match="no member of its consumer group"):
        await clock.watch(60)


@pytest.mark.parametrize("reason", ["broker", "held"])
async def test_what_a_new_start_would_not_help_is_waited_out(clock, reason):
    clock.lag = {0: 3}
    if reason == "broker":
        clock.member = None
    else:
        clock.held = True
    assert await clock.watch(600) == {""}


async def test_the_time_of_an_outage_does_not_count_afterwards(clock):
    clock.lag, clock.member = {0: 3}, None
    await clock.watch(90)
    clock.member = True
    await clock.watch(28)


async def test_a_process_that_was_frozen_is_given_its_time(clock):
    clock.lag = {0: 3}
    asleep = iter([300.0])

    async def sleep(seconds):
        await clock._sleep(seconds + next(asleep, 0.0))

    clock.sleep = sleep
    await clock.watch(325)


async def test_a_rebalance_may_last_while_it_comes_nearer_to_its_end(clock):
    clock.app.rebalancing, clock.lag = True, {0: 3}
    clock.to_recover = 100
    with pytest.raises(Ended, match="still being assigned"):
        await clock.watch(600)
    assert clock.now > 180
