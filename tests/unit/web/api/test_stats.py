"""Statistics of a window: rates, percentiles and the window before."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from fraud_app.postgres.decision_rollup import LATENCY_EDGES_MS, percentile

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def summary(monkeypatch):
    from web.api.stats import summary

    return summary


def row(decision="approve", transactions=1, score_bin=2, latency_bin=4, ago=30, amount=10.0):
    return {
        "bucket": NOW - timedelta(seconds=ago),
        "decision": decision,
        "score_bin": score_bin,
        "latency_bin": latency_bin,
        "transactions": transactions,
        "amount_eur": amount,
    }


def test_rates_are_shares_of_all_decisions(summary):
    stats = summary(
        [row(transactions=6), row("review", 3), row("block", 1, amount=99.5)], [], "5m", NOW
    )
    assert (stats.transactions, stats.block_rate, stats.review_rate) == (10, 0.1, 0.3)
    assert stats.per_minute == 2
    assert stats.amount_eur["block"] == 99.5


def test_an_empty_window_has_no_rates(summary):
    stats = summary([], [], "15m", NOW)
    assert (stats.transactions, stats.block_rate, stats.latency_ms.p99, stats.last_scored_at) == (
        0,
        None,
        None,
        None,
    )
    assert len(stats.scores) == 20


def test_the_course_covers_the_window_and_loses_nothing(summary):
    stats = summary([row(ago=ago) for ago in range(0, 880, 20)], [], "15m", NOW)
    assert sum(moment.approve for moment in stats.series) == stats.transactions == 44


def test_the_share_within_the_promise_counts_up_to_50_ms(summary):
    slow, fast = LATENCY_EDGES_MS.index(75), LATENCY_EDGES_MS.index(50)
    stats = summary([row(latency_bin=fast, transactions=3), row(latency_bin=slow)], [], "5m", NOW)
    assert stats.latency_ms.within_promise == 0.75


def test_the_window_before_is_summed_up_beside_it(summary):
    stats = summary([row()], [row("block", 2, amount=30.0), row(transactions=8)], "5m", NOW)
    assert (stats.transactions, stats.before.transactions, stats.before.block_rate) == (1, 10, 0.2)
    assert stats.before.blocked_eur == 30
    assert summary([row()], [], "5m", NOW).before.block_rate is None


def test_each_moment_has_its_own_percentiles_and_money(summary):
    stats = summary(
        [row(latency_bin=4, ago=30), row("block", latency_bin=12, ago=200, amount=7.5)],
        [],
        "5m",
        NOW,
    )
    busy = [moment for moment in stats.series if moment.p99 is not None]
    assert [round(moment.p99) for moment in busy] == [50, 4]
    assert (busy[0].blocked_eur, busy[1].blocked_eur) == (7.5, 0)


def test_percentiles_lie_within_their_bin():
    bins = Counter({0: 50, 4: 49, 10: 1})
    assert percentile(bins, 0.5) == pytest.approx(0.5)
    assert percentile(bins, 0.95) == pytest.approx(3.5, abs=0.5)
    assert percentile(bins, 1.0) == LATENCY_EDGES_MS[10]
