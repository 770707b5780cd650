"""The public benchmark: the simulator does what its description says, and the protocol never uses
the future.
"""

import numpy as np
import pytest

from ml.fdh_benchmark import protocol
from ml.fdh_benchmark.baseline import LABEL_NAMES, WINDOWS_DAYS, label_features, profile_features
from ml.fdh_benchmark.simulator import LARGE_AMOUNT, Transactions, simulate
from ml.features import NAMES


@pytest.fixture(scope="module")
def transactions():
    return simulate(seed=3, customers=500, terminals=1000, days=150, radius=16)


def test_the_same_seed_gives_the_same_transactions_in_time_order(transactions):
    again = simulate(seed=3, customers=500, terminals=1000, days=150, radius=16)
    assert all(
        np.array_equal(column, other) for column, other in zip(transactions, again, strict=True)
    )
    assert (np.diff(transactions.second) >= 0).all()


def test_every_scenario_is_there_and_large_amounts_are_fraud(transactions):
    assert set(np.unique(transactions.scenario)) == {0, 1, 2, 3}
    is_large = transactions.amount > LARGE_AMOUNT
    assert transactions.fraud[is_large].all()
    assert (transactions.scenario[is_large] > 0).all()


def test_known_cards_are_not_in_the_test_and_the_delay_lies_between(transactions):
    parts = protocol.split(transactions)
    train, test = transactions.day[parts.train], transactions.day[parts.test]
    assert test.min() - train.max() == protocol.DELAY_DAYS + 1
    known = set(transactions.customer[parts.train][transactions.fraud[parts.train]])
    assert not known & set(transactions.customer[parts.test])


def test_a_label_is_not_used_before_it_is_a_week_old(transactions):
    rows = np.arange(len(transactions.second))
    last = transactions.second[-1]
    young = transactions.second > last - 7 * 86_400
    flipped = transactions._replace(scenario=np.where(young, 2, transactions.scenario))
    assert np.array_equal(
        label_features(transactions, rows[-500:]),
        label_features(flipped, rows[-500:]),
        equal_nan=True,
    )


def test_the_share_of_fraud_at_a_terminal_is_that_of_its_window():
    day = 86_400
    transactions = Transactions(
        np.array([5, day, 2 * day, 9 * day + 10]),
        np.arange(4),
        np.zeros(4, int),
        np.full(4, 10.0),
        np.array([0, 2, 2, 0]),
    )
    row = dict(zip(LABEL_NAMES, label_features(transactions, np.array([3]))[0], strict=True))
    assert row["terminal_fraud_share_1d"] == 1.0
    assert row[f"terminal_fraud_share_{WINDOWS_DAYS[-1]}d"] == pytest.approx(2 / 3)
    assert row["terminal_last_label"] == 1.0
    assert row["terminal_days_since_fraud_began"] == pytest.approx(8, abs=0.01)


def test_the_live_features_use_the_customers_own_past():
    transactions = Transactions(
        np.arange(5) * 3600,
        np.zeros(5, int),
        np.arange(5),
        np.array([10.0, 10, 10, 10, 50]),
        np.zeros(5, int),
    )
    features = profile_features(transactions, np.arange(5))
    assert features[4, NAMES.index("amount_to_median")] == 5.0
    assert features[4, NAMES.index("user_tx_count")] == 4


def test_a_perfect_score_reaches_the_ceiling_and_no_more_than_one():
    transactions = simulate(seed=1, customers=300, terminals=600, days=150, radius=20)
    parts = protocol.split(transactions)
    perfect = protocol.figures(
        transactions, parts.test, transactions.fraud[parts.test].astype(float)
    )
    bound = protocol.ceiling(transactions, parts.test)
    assert perfect.auc_roc == perfect.average_precision == 1.0
    assert bound.auc_roc < 1.0
    assert bound.average_precision < 1.0
