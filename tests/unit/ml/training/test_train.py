import numpy as np
import pytest

from ml.features import NAMES
from ml.serving.cutoffs import Cutoffs
from ml.serving.scorer import Scorer
from ml.training.evaluation import (
    choose_cutoffs,
    expected_calibration_error,
    quality,
    read_costs,
    total_cost,
)
from ml.training.history import Labelled, history_of
from ml.training.sampling import LEAST_FACTOR, SAMPLERS, SMOTE_SHARE, UNDER_SHARE, smote
from ml.training.train import MATURING, TrainingHistory, reported_before, split_by_time, train
from tests.support.builders import transaction


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(5)
    count = 12_000
    features = rng.normal(size=(count, len(NAMES))).astype(np.float32)
    features[:, NAMES.index("category")] = rng.integers(0, 12, count)
    features[rng.random(count) < 0.2, 15] = np.nan
    chance = 1 / (1 + np.exp(-(2.0 * features[:, 0] + 1.5 * features[:, 1] - 6.5)))
    fraud = rng.random(count) < chance
    return TrainingHistory(
        features,
        fraud,
        np.full(count, 50.0),
        np.arange(count) * 60_000,
        fraud,
        np.full(count, ""),
        np.full(count, "DE"),
        np.arange(count) // 4,
    )


def test_parts_follow_each_other_in_time_and_chargebacks_have_time_to_come():
    split = split_by_time(np.arange(1000) * 1000)
    assert split.train.stop == split.calibration.start
    assert split.calibration.stop == split.cutoffs.start
    assert split.cutoffs.stop < split.test.start
    assert split.test.stop == 1000


def test_only_fraud_reported_before_the_test_part_is_used_for_training():
    at_ms = np.arange(100.0)
    fraud = np.ones(100, dtype=bool)
    known = reported_before(fraud, np.where(at_ms < 50, at_ms + 1, np.inf), at_ms)
    assert known.sum() == 50
    late = reported_before(fraud, np.full(100, 100 * MATURING + 1), at_ms)
    assert not late.any()


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampling_method_leaves_both_classes(history, name):
    rows = SAMPLERS[name](history.features[:3000], history.fraud[:3000], 1)
    assert len(rows.features) == len(rows.fraud)
    assert 0 < rows.fraud.mean() < 1
    if name == "under_sampling":
        assert rows.fraud.mean() == pytest.approx(
            max(UNDER_SHARE, history.fraud[:3000].mean()), abs=0.01
        )


def test_on_shuffled_labels_nothing_is_learned(history):
    shuffled = np.random.default_rng(1).permutation(history.fraud)
    trained = train(history._replace(fraud=shuffled, known=shuffled), seed=3, sampling="none")
    test = trained.metrics["test"]
    assert test["roc_auc"] < 0.56
    assert test["pr_auc"] < 2 * shuffled.mean()


def test_the_same_seed_gives_the_same_bytes(history):
    assert train(history, seed=3).model_text == train(history, seed=3).model_text


def test_oversampling_adds_only_fraud_and_keeps_what_is_missing_missing(history):
    resampled, fraud, _ = smote(history.features, history.fraud, seed=1)
    assert np.array_equal(resampled[: len(history.features)], history.features, equal_nan=True)
    assert fraud[len(history.fraud) :].all()
    least = LEAST_FACTOR * history.fraud.mean()
    assert fraud.mean() == pytest.approx(max(SMOTE_SHARE, least), abs=0.005)
    patterns = {tuple(row) for row in np.isnan(history.features)}
    assert {tuple(row) for row in np.isnan(resampled)} <= patterns


def test_much_fraud_is_oversampled_as_well(history):
    """From 1.5 % on SMOTE did nothing, and nobody was told."""
    rows = np.flatnonzero(history.fraud | (np.arange(len(history.fraud)) % 3 == 0))
    features, fraud = history.features[rows], history.fraud[rows]
    assert fraud.mean() > SMOTE_SHARE
    resampled, is_fraud, _ = smote(features, fraud, seed=1)
    added = len(resampled) - len(features)
    assert added == pytest.approx((LEAST_FACTOR - 1) * fraud.sum(), rel=0.3)
    assert is_fraud[len(fraud) :].all()


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
    chosen = choose_cutoffs(probability, fraud, amount, read_costs())
    least = total_cost(probability, fraud, amount, chosen, read_costs())
    assert least <= total_cost(probability, fraud, amount, Cutoffs(0.9, 0.95), read_costs())


def test_an_amount_that_is_not_known_costs_only_what_is_fixed():
    costs = read_costs()
    missed, blocked = np.array([0.0]), np.array([1.0])
    unknown, cutoffs = np.array([np.nan]), Cutoffs(0.5, 0.8)
    assert total_cost(missed, np.array([True]), unknown, cutoffs, costs) == costs.chargeback_fee
    assert total_cost(blocked, np.array([False]), unknown, cutoffs, costs) == costs.insult


def test_a_history_holds_amounts_without_a_rate_as_not_a_number():
    sent = [transaction(currency=code, amount="10") for code in ("EUR", "ISK")]
    history = history_of(Labelled(one, False, np.inf, "") for one in sent)
    assert np.array_equal(history.amount, [10.0, np.nan], equal_nan=True)
    assert np.isnan(history.features[1, NAMES.index("amount")])


def test_a_perfect_forecast_has_no_calibration_error():
    probability, fraud = np.repeat([0.0, 1.0], 50), np.repeat([False, True], 50)
    assert expected_calibration_error(probability, fraud) == 0
    amount = np.full(100, 1.0)
    figures = quality(probability, fraud, amount, Cutoffs(0.5, 0.8), read_costs())
    assert figures["pr_auc"] == 1


def test_the_committed_champion_loads_and_scores():
    from fraud_app.settings import ROOT
    from ml.serving import registry

    models = ROOT / "models"
    scorer = Scorer(
        registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm"))
    )
    matrix = np.zeros((3, len(NAMES)), np.float32)
    assert all(0 < p < 1 for p in scorer.probabilities(matrix))
    assert len(scorer.contributions(matrix)[0]) == len(NAMES)
