"""Reasons in words, as analysts read them."""

import math

import pytest

from fraud_app.decisions.reasons import FIRST_PAYMENT, explain, strongest
from ml.decision_record import Contribution
from ml.features import NAMES


def vector(**values):
    return [values.get(name, 0.0) for name in NAMES]


def contribution(name, log_odds=1.0):
    return Contribution(NAMES.index(name), log_odds)


def test_the_five_features_that_raise_the_risk_most_are_the_reasons():
    contributions = [0.0] * len(NAMES)
    contributions[0:8] = [0.9, -3.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.01]
    assert [reason.feature for reason in strongest(contributions)] == [0, 2, 3, 4, 5]


def test_velocity_is_shown_with_the_usual_value_of_the_user():
    explained = explain(
        [contribution("tx_count_10m")],
        vector(tx_count_10m=7.0, tx_count_7d=302.4, user_tx_count=40.0),
    )
    assert explained[0].text == "7 payments in 10 minutes (usual 0.3)"


def test_an_amount_is_shown_in_euro_with_the_usual_amount():
    explained = explain(
        [contribution("amount")], vector(amount=200.0, amount_to_median=8.0, user_tx_count=4.0)
    )
    assert explained[0].text == "amount of €200.00 (usual €25.00)"


@pytest.mark.parametrize(
    ("days", "text"),
    [(1.8e-05, "1.6 s"), (0.5, "12 h"), (1.0, "1 day"), (12.0, "12 days"), (0.0, "0 s")],
)
def test_an_age_is_shown_in_a_suitable_unit(days, text):
    explained = explain(
        [contribution("account_age_days")], vector(account_age_days=days, user_tx_count=2.0)
    )
    assert explained[0].text == f"customer known for {text}"


def test_everything_that_a_new_user_lacks_is_one_reason():
    features = vector(
        user_tx_count=0.0, amount_to_max=math.nan, km_from_last=math.nan, card_country_differs=1.0
    )
    explained = explain(
        [
            contribution("km_from_last", 2.0),
            contribution("amount_to_max", 1.0),
            contribution("card_country_differs", 0.5),
        ],
        features,
    )
    assert [(reason.code, reason.contribution) for reason in explained] == [
        (FIRST_PAYMENT, 3.0),
        ("card_country_differs", 0.5),
    ]


def test_every_feature_can_be_put_into_words():
    for name in NAMES:
        for value in (0.0, 1.0, 7.0, math.nan):
            features = vector(**{name: value, "user_tx_count": 3.0})
            assert explain([contribution(name)], features)[0].text


def test_an_amount_without_a_rate_is_a_reason_of_its_own_for_a_new_user():
    features = vector(user_tx_count=0.0, amount=math.nan, amount_to_max=math.nan)
    explained = explain([contribution("amount", 2.0), contribution("amount_to_max")], features)
    assert [reason.code for reason in explained] == ["amount", FIRST_PAYMENT]
    assert explained[0].text == "not known: amount of this payment in euro"
