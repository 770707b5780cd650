"""Trains one model: split by time, sampling in the training part only, LightGBM, Platt calibration
and cutoffs on later parts.

The test part is used once, for the report. Nothing here writes files, or reads any but the costs.
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

CATEGORICAL = [column for column, feature in enumerate(CATALOGUE) if feature.categorical]
MASKED_SHARE = 0.1
"""Share of the training rows whose shared signals are removed, so that the score stays calibrated
when Redis is unavailable.
"""
ROUNDS, PATIENCE = 160, 30
"""Most trees; training stops after so many without an improvement."""
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
"""Where the parts end, as shares of the time; the test part is the rest. The maturing part is not
used: its chargebacks may still come.
"""


class TrainingHistory(NamedTuple):
    """Replayed transactions in time order, one entry each."""

    features: Array
    """float32, (transactions, features)"""
    fraud: Array
    """bool: the truth, for the test part"""
    amount: Array
    """euro; NaN when no rate is known"""
    at_ms: Array
    """int64: ingest time"""
    known: Array
    """bool: fraud that was reported before the test part begins; training may use only this"""
    scenario: Array
    """text: the kind of fraud, empty when it is unknown"""
    country: Array
    """text: the customer's country, empty when it is unknown"""
    customer: Array
    """whose it is: any value, one for each customer"""

    def part(self, rows: Array) -> TrainingHistory:
        """Some of the transactions. `rows`: bool, one entry each."""
        return TrainingHistory(*(column[rows] for column in self))


class Split(NamedTuple):
    """The parts of a history, in time order."""

    train: slice
    calibration: slice
    """Also used for early stopping."""
    cutoffs: slice
    test: slice


class TrainedModel(NamedTuple):
    """A model, its calibration, its cutoffs and its figures."""

    model_text: str
    """LightGBM's text; empty for other learners."""
    slope: float
    """Platt calibration: probability = 1 / (1 + exp(-(slope × raw + intercept)))."""
    intercept: float
    cutoffs: Cutoffs
    metrics: dict[str, dict[str, float]]
    """Figures of each part, see `evaluation.quality`."""
    rounds: int
    """Number of trees."""
    raw: Array
    """Raw score (log-odds before calibration) of each transaction of the history."""

    @property
    def probability(self) -> Array:
        """Calibrated probability of each transaction of the history."""
        return calibrated(self.raw, self.slope, self.intercept)


def split_by_time(at_ms: Array) -> Split:
    """Consecutive parts of a history in time order (`at_ms`: ingest times). The transactions before
    the first part only fill the users' profiles.
    """
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
    """bool: fraud that was reported before the test part begins. `reported_ms`: infinite for what
    was never reported.
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
    report on the last. `sampling`: a key of `SAMPLERS`; `parameters`: override `PARAMETERS`.
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
    without_shared = history.features[split.test].copy()
    without_shared[:, list(SHARED)] = np.nan
    raw_without_shared = np.asarray(
        booster.predict(without_shared, raw_score=True, num_iteration=best)
    )
    text = booster.model_to_string(num_iteration=best)
    return calibrate_and_evaluate(history, raw, raw_without_shared, text, best, costs)


def calibrate_and_evaluate(
    history: TrainingHistory,
    raw: Array,
    raw_without_shared: Array | None,
    text: str,
    rounds: int,
    costs: evaluation.Costs | None = None,
) -> TrainedModel:
    """Calibrate raw scores, choose cutoffs, measure. `raw`: log-odds of each transaction of the
    history; `raw_without_shared`: of the test part, with the shared signals missing.
    """
    costs, split = costs or evaluation.read_costs(), split_by_time(history.at_ms)
    slope, intercept = platt(raw[split.calibration], history.known[split.calibration])
    probability = calibrated(raw, slope, intercept)
    part = split.cutoffs
    cutoffs = evaluation.choose_cutoffs(
        probability[part], history.known[part], history.amount[part], costs
    )

    def measure(probability: Array, part: slice, truth: Array) -> dict[str, float]:
        return evaluation.quality(probability, truth[part], history.amount[part], cutoffs, costs)

    metrics = {
        "validation": measure(probability[part], part, history.known),
        "test": measure(probability[split.test], split.test, history.fraud),
    }
    if raw_without_shared is not None:
        metrics["test_without_shared_signals"] = measure(
            calibrated(raw_without_shared, slope, intercept), split.test, history.fraud
        )
    return TrainedModel(text, slope, intercept, cutoffs, metrics, rounds, raw)


def calibrated(raw: Array, slope: float, intercept: float) -> Array:
    """Probability of each raw score (log-odds)."""
    probability: Array = 1 / (1 + np.exp(-(slope * raw + intercept)))
    return probability


def score(text: str, slope: float, intercept: float, features: Array) -> Array:
    """Calibrated probabilities by a model that was trained earlier. `text`: LightGBM's;
    `features`: (rows, features).
    """
    raw = lightgbm.Booster(model_str=text).predict(features, raw_score=True)
    return calibrated(np.asarray(raw), slope, intercept)


def platt(raw: Array, fraud: Array) -> tuple[float, float]:
    """Slope and intercept of the sigmoid that turns raw scores into probabilities (Platt, 1999).
    `raw`: float, `fraud`: bool, one entry for each transaction.
    """
    fitted = LogisticRegression(C=1e6).fit(raw.reshape(-1, 1), fraud)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _masked(features: Array, rng: np.random.Generator) -> Array:
    """A copy whose shared signals are NaN in a random `MASKED_SHARE` of the rows."""
    masked = features.copy()
    rows = np.flatnonzero(rng.random(len(masked)) < MASKED_SHARE)
    masked[np.ix_(rows, np.array(SHARED))] = np.nan
    return masked
