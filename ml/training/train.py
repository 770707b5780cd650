"""Train one model: time split, sampling in the training part only, LightGBM, Platt calibration and
cutoffs on later, untouched parts.

The test part is touched once, for the report. Nothing here reads or writes files.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from ml.features import CATALOGUE, NAMES, SHARED
from ml.serving.cutoffs import Cutoffs
from ml.training import evaluation
from ml.training.sampling import SAMPLERS

Array = npt.NDArray[Any]

CATEGORICAL = [place for place, feature in enumerate(CATALOGUE) if feature.categorical]
MASKED_SHARE = 0.1
"""Share of the training rows whose shared signals are blanked, so that the score holds when Redis
is away.
"""
ROUNDS, PATIENCE = 160, 30
# Few shallow trees: an exact explanation costs trees × leaves × depth² (docs/performance.md).
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.15,
    "num_leaves": 12,
    "max_depth": 4,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "verbose": -1,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
    "monotone_constraints": [int(feature.rising) for feature in CATALOGUE],
}
WARM_UP, TRAIN, CALIBRATION, CUTOFFS, MATURING = 0.12, 0.5, 0.6, 0.68, 0.8
"""Where the parts end, as shares of the time; the test part is the rest. What is maturing waits for
its chargebacks and is not used.
"""


class TrainingHistory(NamedTuple):
    """Replayed transactions in time order, one entry each."""

    features: Array
    """float32, (transactions, features)"""
    fraud: Array
    """bool: the truth, for the test part"""
    amount: Array
    """euro"""
    at_ms: Array
    """int64: ingest time"""
    known: Array
    """bool: fraud that was reported before the test part begins; what may be learnt from"""
    scenario: Array
    """text: how the fraud was done, empty when that is unknown"""
    country: Array
    """text: the customer's country, empty when that is unknown"""


class Split(NamedTuple):
    train: slice
    calibration: slice
    """Also stops the training early."""
    cutoffs: slice
    test: slice


class TrainedModel(NamedTuple):
    model_text: str
    slope: float
    intercept: float
    cutoffs: Cutoffs
    metrics: dict[str, dict[str, float]]
    rounds: int
    raw: Array
    """Raw score (log-odds before calibration) of each transaction of the history."""

    @property
    def probability(self) -> Array:
        """Calibrated probability of each transaction of the history."""
        calibrated: Array = 1 / (1 + np.exp(-(self.slope * self.raw + self.intercept)))
        return calibrated


def split_by_time(at_ms: Array) -> Split:
    """Consecutive parts of a history in time order; the first only warms the users' memories up."""
    begin, end = float(at_ms[0]), float(at_ms[-1])
    warm, train, calibration, cutoffs, maturing = (
        int(np.searchsorted(at_ms, begin + share * (end - begin)))
        for share in (WARM_UP, TRAIN, CALIBRATION, CUTOFFS, MATURING)
    )
    return Split(
        slice(warm, train),
        slice(train, calibration),
        slice(calibration, cutoffs),
        slice(maturing, len(at_ms)),
    )


def reported_before(fraud: Array, reported_ms: Array, at_ms: Array) -> Array:
    """Fraud whose report came before the test part begins. `reported_ms`: infinite for what was
    never reported.
    """
    known: Array = fraud & (reported_ms < float(at_ms[split_by_time(at_ms).test.start]))
    return known


def train(
    history: TrainingHistory,
    seed: int,
    *,
    sampling: str = "smote",
    costs: evaluation.Costs | None = None,
    parameters: dict[str, Any] | None = None,
) -> TrainedModel:
    """Train on the first part, stop early and calibrate on the second, choose cutoffs on the third,
    report on the last.
    """
    split = split_by_time(history.at_ms)
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = SAMPLERS[sampling](
        _masked(history.features[split.train], rng), history.known[split.train], seed
    )
    data = lightgbm.Dataset(
        rows.features,
        rows.fraud.astype(np.int8),
        weight=rows.weight,
        feature_name=list(NAMES),
        categorical_feature=CATEGORICAL,
    )
    validation = lightgbm.Dataset(
        history.features[split.calibration],
        history.known[split.calibration].astype(np.int8),
        reference=data,
    )
    booster = lightgbm.train(
        {**PARAMETERS, **(parameters or {}), "seed": seed, "metric": "average_precision"},
        data,
        ROUNDS,
        valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    best = booster.best_iteration
    raw = np.asarray(booster.predict(history.features, raw_score=True, num_iteration=best))
    masked = history.features[split.test].copy()
    masked[:, list(SHARED)] = np.nan
    blind = np.asarray(booster.predict(masked, raw_score=True, num_iteration=best))
    return calibrate_and_evaluate(
        history, raw, blind, booster.model_to_string(num_iteration=best), best, costs
    )


def calibrate_and_evaluate(
    history: TrainingHistory,
    raw: Array,
    blind: Array | None,
    text: str,
    rounds: int,
    costs: evaluation.Costs | None = None,
) -> TrainedModel:
    """Calibrate raw scores, choose cutoffs, measure. `blind`: raw scores of the test part with the
    shared signals missing.
    """
    costs, split = costs or evaluation.read_costs(), split_by_time(history.at_ms)
    slope, intercept = platt(raw[split.calibration], history.known[split.calibration])
    probability = 1 / (1 + np.exp(-(slope * raw + intercept)))
    part = split.cutoffs
    cutoffs = evaluation.choose_cutoffs(
        probability[part], history.known[part], history.amount[part], costs
    )

    def measured(scores: Array, of: slice, truth: Array) -> dict[str, float]:
        return evaluation.quality(scores, truth[of], history.amount[of], cutoffs, costs)

    metrics = {
        "validation": measured(probability[part], part, history.known),
        "test": measured(probability[split.test], split.test, history.fraud),
    }
    if blind is not None:
        metrics["test_without_shared_signals"] = measured(
            1 / (1 + np.exp(-(slope * blind + intercept))), split.test, history.fraud
        )
    return TrainedModel(text, slope, intercept, cutoffs, metrics, rounds, raw)


def platt(raw: Array, fraud: Array) -> tuple[float, float]:
    """Slope and intercept of the sigmoid that turns raw scores into probabilities (Platt, 1999)."""
    fitted = LogisticRegression(C=1e6).fit(raw.reshape(-1, 1), fraud)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _masked(features: Array, rng: np.random.Generator) -> Array:
    masked = features.copy()
    rows = np.flatnonzero(rng.random(len(masked)) < MASKED_SHARE)
    masked[np.ix_(rows, np.array(SHARED))] = np.nan
    return masked
