"""The public yardstick: the simulator gives what its description says, and the protocol never looks
ahead.
"""

import numpy as np
import pytest

from ml.fdh_benchmark import protocol
from ml.fdh_benchmark.baseline import LABEL_NAMES, WINDOWS_DAYS, label_features, profile_features
from ml.fdh_benchmark.simulator import LARGE_AMOUNT, Payments, simulate
from ml.features import NAMES


@pytest.fixture(scope="module")
def payments():
    return simulate(seed=3, customers=500, terminals=1000, days=150, radius=16)


def test_the_same_seed_gives_the_same_payments_in_time_order(payments):
    again = simulate(seed=3, customers=500, terminals=1000, days=150, radius=16)
    assert all(np.array_equal(one, other) for one, other in zip(payments, again, strict=True))
    assert (np.diff(payments.second) >= 0).all()


def test_every_scenario_is_there_and_large_amounts_are_fraud(payments):
    assert set(np.unique(payments.scenario)) == {0, 1, 2, 3}
    assert payments.fraud[payments.amount > LARGE_AMOUNT].all()
    assert payments.scenario[(payments.amount > LARGE_AMOUNT) & (payments.scenario == 0)].size == 0


def test_known_cards_are_not_in_the_test_and_the_delay_lies_between(payments):
    parts = protocol.split(payments)
    train, test = payments.day[parts.train], payments.day[parts.test]
    assert test.min() - train.max() == protocol.DELAY_DAYS + 1
    known = set(payments.customer[parts.train][payments.fraud[parts.train]])
    assert not known & set(payments.customer[parts.test])


def test_a_label_tells_nothing_before_it_is_a_week_old(payments):
    places = np.arange(len(payments.second))
    last = payments.second[-1]
    young = payments.second > last - 7 * 86_400
    flipped = payments._replace(scenario=np.where(young, 2, payments.scenario))
    assert np.array_equal(
        label_features(payments, places[-500:]),
        label_features(flipped, places[-500:]),
        equal_nan=True,
    )


def test_the_share_of_fraud_at_a_terminal_is_that_of_its_window():
    day = 86_400
    payments = Payments(
        np.array([5, day, 2 * day, 9 * day + 10]),
        np.arange(4),
        np.zeros(4, int),
        np.full(4, 10.0),
        np.array([0, 2, 2, 0]),
    )
    found = dict(zip(LABEL_NAMES, label_features(payments, np.array([3]))[0], strict=True))
    assert found["terminal_fraud_share_1d"] == 1.0
    assert found[f"terminal_fraud_share_{WINDOWS_DAYS[-1]}d"] == pytest.approx(2 / 3)
    assert found["terminal_last_label"] == 1.0
    assert found["terminal_days_since_fraud_began"] == pytest.approx(8, abs=0.01)


def test_the_live_features_see_the_customer_s_own_past():
    payments = Payments(
        np.arange(5) * 3600,
        np.zeros(5, int),
        np.arange(5),
        np.array([10.0, 10, 10, 10, 50]),
        np.zeros(5, int),
    )
    features = profile_features(payments, np.arange(5))
    assert features[4, NAMES.index("amount_to_median")] == 5.0
    assert features[4, NAMES.index("user_tx_count")] == 4


def test_a_perfect_score_reaches_the_ceiling_and_no_more_than_one():
    payments = simulate(seed=1, customers=300, terminals=600, days=150, radius=20)
    parts = protocol.split(payments)
    perfect = protocol.figures(payments, parts.test, payments.fraud[parts.test].astype(float))
    bound = protocol.ceiling(payments, parts.test)
    assert perfect.auc_roc == perfect.average_precision == 1.0
    assert bound.auc_roc < 1.0
    assert bound.average_precision < 1.0
