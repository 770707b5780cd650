"""Sampling methods for rare fraud (0.8 %) before training. They are applied to the training part
only, after the split, and never to the data that a figure is measured on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import SMOTE, SMOTENC
from imblearn.under_sampling import EditedNearestNeighbours, RandomUnderSampler

from ml.features import CATALOGUE

Array = npt.NDArray[Any]

SMOTE_SHARE = 0.015
"""Share of fraud among the rows after SMOTE."""
LEAST_FACTOR = 1.5
"""SMOTE makes at least half as many rows of fraud as there are, however much fraud there is."""
UNDER_SHARE = 0.1
"""Share of fraud among the rows after under-sampling."""
ENN_HONEST = 20_000
"""Honest rows that SMOTE-ENN keeps: its cleaning compares all rows with all."""
NEIGHBOURS = 5
"""Neighbours that SMOTE draws from; the number of the paper."""
_NOMINAL = [
    column
    for column, feature in enumerate(CATALOGUE)
    if feature.categorical or feature.unit == "flag"
]


class Sampled(NamedTuple):
    """Rows to train on."""

    features: Array
    """float32, (rows, features)"""
    fraud: Array
    """bool"""
    weight: Array | None = None
    """Weight of each row; None: all equal."""


def _fraud_factor(fraud: Array) -> float:
    """By how much fraud must be multiplied to reach `SMOTE_SHARE` of the rows."""
    honest_rows, fraud_rows = float((~fraud).sum()), float(fraud.sum())
    return SMOTE_SHARE / (1 - SMOTE_SHARE) * honest_rows / max(fraud_rows, 1.0)


def none(features: Array, fraud: Array, seed: int) -> Sampled:
    """The rows as they are."""
    return Sampled(features, fraud)


def class_weights(features: Array, fraud: Array, seed: int) -> Sampled:
    """All rows; fraud gets the weight that it would have as `SMOTE_SHARE` of the rows."""
    return Sampled(features, fraud, np.where(fraud, max(_fraud_factor(fraud), 1.0), 1.0))


def under_sampling(features: Array, fraud: Array, seed: int) -> Sampled:
    """Honest rows are dropped at random until one row in ten is fraud."""
    sampler = RandomUnderSampler(
        sampling_strategy=UNDER_SHARE / (1 - UNDER_SHARE), random_state=seed
    )
    sampler.fit_resample(np.zeros((len(fraud), 1)), fraud.astype(np.int8))
    rows = np.sort(sampler.sample_indices_)
    return Sampled(features[rows], fraud[rows])


def smote(features: Array, fraud: Array, seed: int) -> Sampled:
    """Synthetic fraud by SMOTE-NC (Chawla et al., JAIR 16, 2002) until it is 1.5 % of the rows, and
    at least half as much as there was.

    SMOTE cannot take missing values, and imputing them would teach the model that synthetic rows
    are never missing. So each pattern of missing values is oversampled separately, on the features
    that it has.
    """
    patterns, pattern_of_row = np.unique(np.isnan(features), axis=0, return_inverse=True)
    factor = max(_fraud_factor(fraud), LEAST_FACTOR)
    parts: list[Array] = []
    for number, missing in enumerate(patterns):
        rows = np.flatnonzero(pattern_of_row.ravel() == number)
        fraud_rows, honest_rows = rows[fraud[rows]], rows[~fraud[rows]]
        extra = math.floor(len(fraud_rows) * (factor - 1))
        if len(fraud_rows) > NEIGHBOURS and extra >= 1 and len(honest_rows) >= 1:
            parts.append(_synthetic_fraud(features, fraud_rows, honest_rows, extra, ~missing, seed))
    if not parts:
        return Sampled(features, fraud)
    added = np.concatenate(parts)
    return Sampled(
        np.concatenate((features, added)), np.concatenate((fraud, np.ones(len(added), dtype=bool)))
    )


def _synthetic_fraud(
    features: Array,
    fraud_rows: Array,
    honest_rows: Array,
    extra: int,
    is_present: Array,
    seed: int,
) -> Array:
    """`extra` synthetic rows of fraud by SMOTE-NC from rows that have the same features present."""
    columns = np.flatnonzero(is_present)
    nominal = [index for index, column in enumerate(columns) if column in _NOMINAL]
    fraud_count = len(fraud_rows) + extra
    sampler = SMOTENC(
        nominal,
        sampling_strategy={1: fraud_count},
        k_neighbors=NEIGHBOURS,
        random_state=seed,
    )
    # SMOTE wants fraud to be the minority: one honest row more is enough.
    honest_rows = honest_rows[: fraud_count + 1]
    rows = np.concatenate((honest_rows, fraud_rows))
    is_fraud = np.repeat(np.array([0, 1], np.int8), (len(honest_rows), len(fraud_rows)))
    resampled, _ = sampler.fit_resample(features[np.ix_(rows, columns)], is_fraud)
    synthetic = np.full((len(resampled) - len(rows), features.shape[1]), np.nan, dtype=np.float32)
    synthetic[:, columns] = resampled[len(rows) :]
    return synthetic


def smote_enn(features: Array, fraud: Array, seed: int) -> Sampled:
    """SMOTE, then edited nearest neighbours (Batista et al., SIGKDD Explorations 6, 2004), with
    20,000 honest rows and medians for missing values.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    honest = np.flatnonzero(~fraud)
    honest = rng.choice(honest, min(ENN_HONEST, len(honest)), replace=False)
    rows = np.sort(np.concatenate((honest, np.flatnonzero(fraud))))
    filled = imputed(features[rows], features)
    sampler = SMOTEENN(
        smote=SMOTE(sampling_strategy=UNDER_SHARE, k_neighbors=NEIGHBOURS, random_state=seed),
        enn=EditedNearestNeighbours(),
    )
    resampled, labels = sampler.fit_resample(filled, fraud[rows].astype(np.int8))
    return Sampled(np.asarray(resampled, dtype=np.float32), np.asarray(labels) == 1)


def imputed(features: Array, reference: Array) -> Array:
    """The features with missing values replaced by the medians of `reference`, for learners that
    cannot take NaN. Both (rows, features).
    """
    medians = np.nan_to_num(np.nanmedian(reference, axis=0))
    filled: Array = np.where(np.isnan(features), medians, features)
    return filled


SAMPLERS: dict[str, Callable[[Array, Array, int], Sampled]] = {
    "smote": smote,
    "none": none,
    "class_weights": class_weights,
    "under_sampling": under_sampling,
    "smote_enn": smote_enn,
}
