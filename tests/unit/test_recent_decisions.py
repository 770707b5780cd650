"""The share of the latest decisions that were made without a dependency."""

from fraud_app.recent_decisions import WINDOW_S, RecentDecisions


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def test_the_share_is_that_of_all_decisions_in_the_window():
    clock = Clock()
    recent = RecentDecisions(clock)
    recent.add(3, ["redis"])
    clock.seconds += 1
    recent.add(1, ["redis", "model"])
    assert recent.share_without("redis") == 0.5
    assert recent.share_without("model") == 0.25
    assert recent.share_without("postgres") == 0.0


def test_without_decisions_nothing_is_known_to_be_missing():
    assert RecentDecisions().share_without("redis") == 0.0


def test_what_is_older_than_the_window_no_longer_counts():
    clock = Clock()
    recent = RecentDecisions(clock)
    recent.add(1, ["redis"])
    clock.seconds += WINDOW_S - 0.5
    recent.add(1, [])
    assert recent.share_without("redis") == 0.5
    clock.seconds += 1
    assert recent.share_without("redis") == 0.0
    clock.seconds += WINDOW_S
    assert recent.share_without("redis") == 0.0
