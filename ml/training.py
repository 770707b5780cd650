"""Train one model: time split, SMOTE in the training part only, LightGBM, Platt calibration and cutoffs on validation.

The test part is touched once, for the report. Nothing here reads or writes files.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import numpy.typing as npt
from imblearn.over_sampling import SMOTENC
from sklearn.linear_model import LogisticRegression

from ml import evaluation
from ml.features import CATALOGUE, NAMES, SHARED
from ml.policy import Cutoffs

Array = npt.NDArray[Any]

CATEGORICAL = [place for place, feature in enumerate(CATALOGUE) if feature.categorical]
_NOMINAL = [place for place, feature in enumerate(CATALOGUE) if feature.categorical or feature.unit == "flag"]
MASKED_SHARE = 0.1
"""Share of the training rows whose shared signals are blanked, so that the score holds when Redis is away."""
SMOTE_SHARE = 0.015
NEIGHBOURS = 5
ROUNDS, PATIENCE = 160, 30
# Few shallow trees: an exact explanation costs trees × leaves × depth² (docs/performance.md).
PARAMETERS: dict[str, Any] = {
    "objective": "binary", "learning_rate": 0.15, "num_leaves": 12, "max_depth": 4, "min_data_in_leaf": 40, "feature_fraction": 0.8,
    "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "verbose": -1, "num_threads": 2, "deterministic": True,
    "force_row_wise": True,
}  # fmt: skip


class History(NamedTuple):
    """Replayed transactions in time order."""

    features: Array
    """float32, (transactions, features)"""
    fraud: Array
    """bool"""
    amount: Array
    """euro"""


class Split(NamedTuple):
    train: slice
    validation: slice
    test: slice


class Trained(NamedTuple):
    model_text: str
    slope: float
    intercept: float
    cutoffs: Cutoffs
    metrics: dict[str, dict[str, float]]
    rounds: int


def split_by_time(count: int, warm_up: float = 0.15, validation: float = 0.2, test: float = 0.2) -> Split:
    """Consecutive parts of a history in time order; the first share only warms the users' memories up."""
    start, middle, last = (
        round(count * warm_up),
        round(count * (1 - validation - test)),
        round(count * (1 - test)),
    )
    return Split(slice(start, middle), slice(middle, last), slice(last, count))


def train(history: History, seed: int, *, smote: bool = True, costs: evaluation.Costs | None = None) -> Trained:
    """Train on the first part, stop early, calibrate and choose cutoffs on the second, report on the third."""
    costs = costs or evaluation.Costs()
    split = split_by_time(len(history.fraud))
    rng = np.random.Generator(np.random.PCG64(seed))
    features, fraud = _masked(history.features[split.train], rng), history.fraud[split.train]
    if smote:
        features, fraud = oversample(features, fraud, seed)
    data = lightgbm.Dataset(features, fraud.astype(np.int8), feature_name=list(NAMES), categorical_feature=CATEGORICAL)
    validation = lightgbm.Dataset(
        history.features[split.validation], history.fraud[split.validation].astype(np.int8), reference=data
    )
    booster = lightgbm.train(
        {**PARAMETERS, "seed": seed, "metric": "average_precision"}, data, ROUNDS, valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )  # fmt: skip
    raw = np.asarray(booster.predict(history.features, raw_score=True, num_iteration=booster.best_iteration))
    slope, intercept = platt(raw[split.validation], history.fraud[split.validation])
    probability = 1 / (1 + np.exp(-(slope * raw + intercept)))
    part = split.validation
    cutoffs = evaluation.choose_cutoffs(probability[part], history.fraud[part], history.amount[part], costs)
    masked = history.features[split.test].copy()
    masked[:, list(SHARED)] = np.nan
    blind = np.asarray(booster.predict(masked, raw_score=True, num_iteration=booster.best_iteration))
    metrics = {
        name: evaluation.quality(scores, history.fraud[of], history.amount[of], cutoffs, costs)
        for name, of, scores in (
            ("validation", split.validation, probability[split.validation]),
            ("test", split.test, probability[split.test]),
            ("test_without_shared_signals", split.test, 1 / (1 + np.exp(-(slope * blind + intercept)))),
        )
    }
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    return Trained(text, slope, intercept, cutoffs, metrics, booster.best_iteration)


def platt(raw: Array, fraud: Array) -> tuple[float, float]:
    """Slope and intercept of the sigmoid that turns raw scores into probabilities (Platt, 1999)."""
    fitted = LogisticRegression(C=1e6).fit(raw.reshape(-1, 1), fraud)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def oversample(features: Array, fraud: Array, seed: int) -> tuple[Array, Array]:
    """Add synthetic fraud by SMOTE-NC (Chawla et al., JAIR 16, 2002) until it is 1.5 % of the rows.

    SMOTE cannot take missing values, and imputing them would teach the model that synthetic rows are never missing. So each
    pattern of missing values is oversampled by itself, on the features that it has.
    """
    patterns, which = np.unique(np.isnan(features), axis=0, return_inverse=True)
    wanted = SMOTE_SHARE / (1 - SMOTE_SHARE) * float((~fraud).sum()) / max(float(fraud.sum()), 1.0)
    made: list[Array] = []
    for number, missing in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == number)
        own_fraud = rows[fraud[rows]]
        honest = rows[~fraud[rows]]
        extra = math.floor(len(own_fraud) * (wanted - 1))
        if len(own_fraud) <= NEIGHBOURS or extra < 1 or len(honest) < 1:
            continue
        present = np.flatnonzero(~missing)
        nominal = [place for place, feature in enumerate(present) if feature in _NOMINAL]
        sampler = SMOTENC(
            nominal, sampling_strategy={1: len(own_fraud) + extra}, k_neighbors=NEIGHBOURS, random_state=seed
        )
        chosen = np.concatenate((honest[: len(own_fraud) + extra + 1], own_fraud))
        grown, _ = sampler.fit_resample(features[np.ix_(chosen, present)], fraud[chosen].astype(np.int8))
        synthetic = np.full((len(grown) - len(chosen), features.shape[1]), np.nan, dtype=np.float32)
        synthetic[:, present] = grown[len(chosen) :]
        made.append(synthetic)
    if not made:
        return features, fraud
    added = np.concatenate(made)
    return np.concatenate((features, added)), np.concatenate((fraud, np.ones(len(added), dtype=bool)))


def _masked(features: Array, rng: np.random.Generator) -> Array:
    masked = features.copy()
    rows = np.flatnonzero(rng.random(len(masked)) < MASKED_SHARE)
    masked[np.ix_(rows, np.array(SHARED))] = np.nan
    return masked
