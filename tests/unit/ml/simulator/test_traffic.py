"""The simulator is neither too easy nor does it leak the label: no feature gives it away, reports
come late or never, dates and habits matter.
"""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fraud_app.contracts.transaction import Transaction
from ml.profile.event import occurred_ms
from ml.simulator import Population, calendar, simulate
from ml.simulator.traffic import NEVER_REPORTED, REPORT_MEDIAN_DAYS
from ml.training.comparison import single_features
from ml.training.replay import replay
from ml.training.train import TrainingHistory, reported_before, train

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def traffic():
    return list(simulate(Population(8, 12_000), START, 40, count=20_000, fraud_share=0.02, seed=8))


@pytest.fixture(scope="module")
def history(traffic):
    sent = [Transaction.model_validate(labelled.transaction) for labelled in traffic]
    times_ms = [occurred_ms(transaction) for transaction in sent]
    rows = [replayed.features for replayed in replay(zip(sent, times_ms, strict=True))]
    fraud = np.array([labelled.is_fraud for labelled in traffic])
    delays = [labelled.reported_after_days for labelled in traffic]
    days = np.array([math.inf if delay is None else delay for delay in delays])
    at_ms = np.array(times_ms)
    known = reported_before(fraud, at_ms + days * 86_400_000, at_ms)
    amount, text = np.full(len(traffic), 50.0), np.full(len(traffic), "")
    features = np.array(rows, dtype=np.float32)
    return TrainingHistory(features, fraud, amount, at_ms, known, text, text, text)


def test_no_feature_alone_gives_fraud_away(history):
    areas = single_features(history)
    assert max(areas.values()) < 0.95, sorted(areas.items(), key=lambda item: -item[1])[:3]


def test_with_shuffled_labels_nothing_is_learned(history):
    shuffled = np.random.default_rng(1).permutation(history.fraud)
    trained = train(history._replace(fraud=shuffled, known=shuffled), seed=3, sampling="none")
    test = trained.metrics["test"]
    assert test["roc_auc"] < 0.6
    assert test["pr_auc"] < 3 * shuffled.mean()


def test_with_the_true_labels_most_fraud_is_detected(history):
    assert train(history, seed=3, sampling="none").metrics["test"]["roc_auc"] > 0.9


def test_chargebacks_come_late_and_some_never(traffic):
    frauds = [labelled.reported_after_days for labelled in traffic if labelled.is_fraud]
    assert np.mean([days is None for days in frauds]) == pytest.approx(NEVER_REPORTED, abs=0.05)
    assert np.median([days for days in frauds if days is not None]) == pytest.approx(
        REPORT_MEDIAN_DAYS, rel=0.25
    )
    honest = [labelled for labelled in traffic if not labelled.is_fraud]
    assert all(labelled.reported_after_days is None for labelled in honest)


def test_a_sale_brings_orders_and_the_season_does_too():
    days = [START + timedelta(days=number) for number in range(365)]
    sales = [day for day in days if calendar.is_sale(day)]
    assert 6 <= len(sales) <= 25
    assert all(calendar.weight_of_day(day) > 1.9 for day in sales)
    in_season, before = datetime(2026, 12, 9, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)
    assert calendar.weight_of_day(in_season) > calendar.weight_of_day(before)


def test_a_trip_lasts_days_and_is_the_same_for_every_run():
    users, ordinal = np.arange(5000), np.full(5000, START.toordinal())
    first, again = (calendar.trips(users, ordinal, np.full(5000, 3), seed=8) for _ in range(2))
    assert np.array_equal(first, again)
    assert (first > 0).mean() == pytest.approx(calendar.TRIP_SHARE, abs=0.02)
    in_july = calendar.trips(users, ordinal, np.full(5000, 7), seed=8)
    assert (in_july > 0).mean() > 1.5 * (first > 0).mean()
    tomorrow = calendar.trips(users, ordinal + 1, np.full(5000, 3), seed=8)
    assert (tomorrow[first > 0] == first[first > 0]).mean() > 0.7


def test_colleagues_share_an_address(traffic):
    by_address = {}
    for labelled in traffic:
        if not labelled.is_fraud:
            sent = labelled.transaction
            by_address.setdefault(sent["ip"], set()).add(sent["user_id"])
    assert sum(len(users) >= 5 for users in by_address.values()) > 20
