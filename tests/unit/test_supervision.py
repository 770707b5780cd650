"""A background task that fails is started again, and its failure is seen."""

import pytest

from fraud_app import supervision
from fraud_app.supervision import LONGEST_PAUSE_S, keep_running, supervised


@pytest.fixture(autouse=True)
def nothing_failed_before():
    supervision.failing.clear()


class Pauses:
    def __init__(self):
        self.seconds = []

    async def __call__(self, seconds):
        self.seconds.append(seconds)
        self.seen = dict(supervision.failing)


async def test_a_task_is_run_again_until_it_ends_by_itself():
    attempts, pauses = [], Pauses()

    async def task():
        attempts.append(1)
        if len(attempts) < 10:
            raise LookupError("nothing there")

    await keep_running("drift.measure", task, pauses)
    assert len(attempts) == 10
    assert pauses.seconds == [1, 2, 4, 8, 16, 32, 60, 60, LONGEST_PAUSE_S]
    assert pauses.seen == {"drift.measure": "LookupError"}
    assert supervision.failing == {}, "it ended well in the end"


async def test_what_is_no_failure_is_passed_on():
    async def cancelled():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await keep_running("x", cancelled)


async def test_an_application_gets_a_task_that_never_fails():
    tasks = []

    class App:
        def task(self, function):
            tasks.append(function)

    ran = []

    async def measure():
        ran.append(1)

    supervised(App(), measure)
    await tasks[0]()
    assert ran == [1]
    assert tasks[0].__name__ == "measure"


def test_what_stands_still_is_said_for_the_process_that_it_belongs_to(monkeypatch):
    monkeypatch.setattr(
        supervision, "standing_still", {"storage": "a", "storage of labels": "b", "feed": "c"}
    )
    said = [supervision.standstill_of(role) for role in ("scoring", "storage", "feed")]
    assert said == ["", "a; b", "c"]
