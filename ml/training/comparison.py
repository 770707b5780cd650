"""The same history trained in other ways: other sampling, other learners, other calibration. The
results are for the report only; none of these models is ever stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml.features import NAMES
from ml.serving.cutoffs import MIN_PROBABILITY
from ml.training.evaluation import expected_calibration_error
from ml.training.sampling import SAMPLERS, Array, imputed
from ml.training.train import (
    TrainedModel,
    TrainingHistory,
    calibrate_and_evaluate,
    split_by_time,
    train,
)


def samplings(history: TrainingHistory, seed: int) -> Iterator[tuple[str, TrainedModel]]:
    """Name of each sampling method, and LightGBM trained after it."""
    for name in SAMPLERS:
        yield name, train(history, seed, sampling=name)


def learners(history: TrainingHistory, seed: int) -> Iterator[tuple[str, TrainedModel]]:
    """Name of each other learner, and its model, trained without sampling. XGBoost only when it is
    installed (`pip install .[train]`).
    """
    part = split_by_time(history.at_ms).train
    filled = imputed(history.features, history.features[part])
    for name, new_estimator in _estimators(seed).items():
        estimator = new_estimator()
        estimator.fit(filled[part], history.known[part])
        probability = np.clip(
            estimator.predict_proba(filled)[:, 1], MIN_PROBABILITY, 1 - MIN_PROBABILITY
        )
        log_odds = np.log(probability / (1 - probability))
        yield name, calibrate_and_evaluate(history, log_odds, None, "", 0)


def _estimators(seed: int) -> dict[str, Callable[[], Any]]:
    estimators: dict[str, Callable[[], Any]] = {
        "logistic_regression": lambda: make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=1000)
        ),
        "random_forest": lambda: RandomForestClassifier(
            200, min_samples_leaf=5, n_jobs=2, random_state=seed
        ),
    }
    try:
        from xgboost import XGBClassifier
    except ImportError:
        return estimators
    return {
        **estimators,
        "xgboost": lambda: XGBClassifier(
            n_estimators=160,
            max_depth=4,
            learning_rate=0.1,
            subsample=0.8,
            colsample_bytree=0.8,
            n_jobs=2,
            random_state=seed,
        ),
    }


def calibrations(history: TrainingHistory, trained: TrainedModel) -> dict[str, float]:
    """Expected calibration error on the test part: uncalibrated, by Platt's sigmoid, by isotonic
    regression.
    """
    split = split_by_time(history.at_ms)
    truth = history.fraud[split.test]
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(
        trained.raw[split.calibration], history.known[split.calibration]
    )
    uncalibrated: Array = 1 / (1 + np.exp(-trained.raw))
    return {
        "uncalibrated": expected_calibration_error(uncalibrated[split.test], truth),
        "platt": expected_calibration_error(trained.probability[split.test], truth),
        "isotonic": expected_calibration_error(
            np.asarray(isotonic.predict(trained.raw[split.test])), truth
        ),
    }


def single_features(history: TrainingHistory) -> dict[str, float]:
    """ROC-AUC of each feature alone on the test part, from 0.5 to 1: the better of rising and
    falling. Missing values count as the feature's median.
    """
    part = split_by_time(history.at_ms).test
    filled, truth = imputed(history.features[part], history.features[part]), history.fraud[part]
    areas = {
        name: float(roc_auc_score(truth, filled[:, column])) for column, name in enumerate(NAMES)
    }
    return {name: max(area, 1 - area) for name, area in areas.items()}
