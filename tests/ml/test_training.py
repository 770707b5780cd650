import numpy as np
import pytest

from ml.evaluation import Costs, choose_cutoffs, expected_calibration_error, quality, total_cost
from ml.features import NAMES
from ml.policy import Cutoffs
from ml.scorer import Scorer
from ml.training import SMOTE_SHARE, History, oversample, split_by_time, train


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(5)
    count = 12_000
    features = rng.normal(size=(count, len(NAMES))).astype(np.float32)
    features[:, NAMES.index("category")] = rng.integers(0, 12, count)
    features[rng.random(count) < 0.2, 15] = np.nan
    chance = 1 / (1 + np.exp(-(2.0 * features[:, 0] + 1.5 * features[:, 1] - 6.5)))
    return History(features, rng.random(count) < chance, np.full(count, 50.0))


def test_parts_follow_each_other_in_time():
    split = split_by_time(1000)
    assert split.train.stop == split.validation.start
    assert split.validation.stop == split.test.start
    assert split.test.stop == 1000


def test_oversampling_adds_only_fraud_and_keeps_what_is_missing_missing(history):
    grown, fraud = oversample(history.features, history.fraud, seed=1)
    assert np.array_equal(grown[: len(history.features)], history.features, equal_nan=True)
    assert fraud[len(history.fraud) :].all()
    assert fraud.mean() == pytest.approx(SMOTE_SHARE, abs=0.005)
    patterns = {tuple(row) for row in np.isnan(history.features)}
    assert {tuple(row) for row in np.isnan(grown)} <= patterns


def test_a_trained_model_ranks_and_is_calibrated(history):
    trained = train(history, seed=3)
    test = trained.metrics["test"]
    assert test["roc_auc"] > 0.85
    assert test["expected_calibration_error"] < 0.02
    assert 0 < trained.cutoffs.review < trained.cutoffs.block < 1


def test_the_cheapest_cutoffs_are_cheaper_than_any_fixed_ones():
    rng = np.random.default_rng(1)
    probability = rng.beta(0.3, 8, 5000)
    fraud = rng.random(5000) < probability
    amount = rng.lognormal(4, 1, 5000)
    chosen = choose_cutoffs(probability, fraud, amount, Costs())
    least = total_cost(probability, fraud, amount, chosen, Costs())
    assert least <= total_cost(probability, fraud, amount, Cutoffs(0.9, 0.95), Costs())


def test_a_perfect_forecast_has_no_calibration_error():
    assert expected_calibration_error(np.array([0.0] * 50 + [1.0] * 50), np.array([False] * 50 + [True] * 50)) == 0
    assert (
        quality(np.array([0.1, 0.9]), np.array([False, True]), np.array([1.0, 1.0]), Cutoffs(0.5, 0.8), Costs())[
            "pr_auc"
        ]
        == 1
    )


def test_the_committed_champion_loads_and_scores():
    from fraud_app.settings import ROOT
    from ml import registry

    models = ROOT / "models"
    scorer = Scorer(registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm")))
    matrix = np.zeros((3, len(NAMES)), np.float32)
    assert all(0 < p < 1 for p in scorer.probabilities(matrix))
    assert len(scorer.contributions(matrix)[0]) == len(NAMES)
