"""Two models on the same transactions."""

from datetime import UTC, datetime

import numpy as np
import pytest

from fraud_app.settings import ROOT
from ml.serving import registry
from ml.simulator import Population, simulate
from ml.training import against_champion
from ml.training.against_champion import interval_by_customer
from ml.training.history import from_simulator, history_of
from ml.training.train import train

MODELS = ROOT / "models"


def test_incidents_of_one_customer_make_the_interval_wider_than_single_transactions():
    rng = np.random.default_rng(1)
    by_customer = rng.normal(0.2, 1, 500)
    values = np.repeat(by_customer, 6)
    customer = np.repeat(np.arange(500), 6)
    low, high = interval_by_customer(values, customer, 1)
    single_low, single_high = interval_by_customer(values, np.arange(3000), 1)
    assert low < values.sum() < high
    assert (high - low) > 2 * (single_high - single_low)


def test_the_interval_holds_the_truth_about_95_times_of_100():
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(60):
        values = rng.normal(0.5, 2, 200)
        low, high = interval_by_customer(values, np.arange(200), seed)
        held += low < 100 < high
    assert held > 50


def test_no_difference_is_no_saving():
    assert interval_by_customer(np.zeros(9), np.arange(9), 1) == (0.0, 0.0)


@pytest.mark.parametrize(("only", "only_champion", "expected"), [(0, 0, 1.0), (5, 5, 1.0)])
def test_as_many_right_alone_tell_nothing(only, only_champion, expected):
    assert against_champion._mcnemar(only, only_champion) == expected


def test_a_model_is_compared_with_the_champion_on_its_test_part():
    simulated = simulate(Population(4, 2_000), datetime(2026, 1, 1, tzinfo=UTC), 40, count=12_000)
    history = history_of(map(from_simulator, simulated))
    trained = train(history, 1, sampling="none")
    champion = registry.read_alias(MODELS, "fraud-lgbm")
    compared = against_champion.compare(history, trained, champion, 1)
    test = trained.metrics["test"]
    assert compared.champion == champion.reference
    assert compared.transactions == test["transactions"]
    assert compared.cost_eur == pytest.approx(test["cost_eur"])
    assert compared.pr_auc == pytest.approx(test["pr_auc"])
    assert 1 < compared.customers < compared.transactions
    saving = compared.champion_cost_eur - compared.cost_eur
    assert compared.saving_low_eur <= saving <= compared.saving_high_eur
