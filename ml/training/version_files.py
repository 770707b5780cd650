"""The files of a new version that programs read."""

from __future__ import annotations

from typing import Any, NamedTuple

from ml.features import CATALOGUE, NAMES
from ml.serving.drift import SCORE, bins_of
from ml.serving.registry import json_bytes
from ml.training.train import TrainedModel, TrainingHistory, split_by_time


class Comparison(NamedTuple):
    """What the model is compared with, on the test part."""

    recipes: dict[str, dict[str, float]]
    calibrations: dict[str, float]
    single_features: dict[str, float]


def of(
    history: TrainingHistory,
    trained: TrainedModel,
    metrics: dict[str, dict[str, float]],
    compared: Comparison,
    parameters: dict[str, Any],
) -> dict[str, bytes]:
    """The files of a version that programs read, by name."""
    part = split_by_time(history.at_ms)
    training_features = history.features[part.train]
    columns = {name: training_features[:, column] for column, name in enumerate(NAMES)}
    return {
        "model.txt": trained.model_text.encode(),
        "features.json": json_bytes(
            {"names": list(NAMES), "catalogue": [feature._asdict() for feature in CATALOGUE]}
        ),
        "calibrator.json": json_bytes(
            {"method": "platt", "slope": trained.slope, "intercept": trained.intercept}
        ),
        "thresholds.json": json_bytes(trained.cutoffs._asdict()),
        "metrics.json": json_bytes(metrics),
        "comparison.json": json_bytes(
            {
                "recipes": compared.recipes,
                "calibration_error": compared.calibrations,
                "single_feature_roc_auc": compared.single_features,
                "parameters": parameters,
            }
        ),
        "drift.json": json_bytes(bins_of({**columns, SCORE: trained.probability[part.cutoffs]})),
    }
