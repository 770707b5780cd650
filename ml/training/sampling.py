"""What is done about 0.8 % of fraud before training. Applied to the training part only, after the
split, never to what is measured on.
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
UNDER_SHARE = 0.1
ENN_HONEST = 20_000
"""Honest rows that SMOTE-ENN keeps: its cleaning compares all with all."""
NEIGHBOURS = 5
_NOMINAL = [
    place
    for place, feature in enumerate(CATALOGUE)
    if feature.categorical or feature.unit == "flag"
]


class Sampled(NamedTuple):
    features: Array
    fraud: Array
    weight: Array | None = None


def none(features: Array, fraud: Array, seed: int) -> Sampled:
    """The rows as they are."""
    return Sampled(features, fraud)


def class_weights(features: Array, fraud: Array, seed: int) -> Sampled:
    """Fraud counts as often as all honest rows together would at `SMOTE_SHARE`."""
    factor = SMOTE_SHARE / (1 - SMOTE_SHARE) * float((~fraud).sum()) / max(float(fraud.sum()), 1.0)
    return Sampled(features, fraud, np.where(fraud, max(factor, 1.0), 1.0))


def under_sampling(features: Array, fraud: Array, seed: int) -> Sampled:
    """Honest rows are left out at random until one in ten is fraud."""
    sampler = RandomUnderSampler(
        sampling_strategy=UNDER_SHARE / (1 - UNDER_SHARE), random_state=seed
    )
    sampler.fit_resample(np.zeros((len(fraud), 1)), fraud.astype(np.int8))
    kept = np.sort(sampler.sample_indices_)
    return Sampled(features[kept], fraud[kept])


def smote(features: Array, fraud: Array, seed: int) -> Sampled:
    """Synthetic fraud by SMOTE-NC (Chawla et al., JAIR 16, 2002) until it is 1.5 % of the rows.

    SMOTE cannot take missing values, and imputing them would teach the model that synthetic rows
    are never missing. So each pattern of missing values is oversampled by itself, on the features
    that it has.
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
            nominal,
            sampling_strategy={1: len(own_fraud) + extra},
            k_neighbors=NEIGHBOURS,
            random_state=seed,
        )
        chosen = np.concatenate((honest[: len(own_fraud) + extra + 1], own_fraud))
        grown, _ = sampler.fit_resample(
            features[np.ix_(chosen, present)], fraud[chosen].astype(np.int8)
        )
        synthetic = np.full((len(grown) - len(chosen), features.shape[1]), np.nan, dtype=np.float32)
        synthetic[:, present] = grown[len(chosen) :]
        made.append(synthetic)
    if not made:
        return Sampled(features, fraud)
    added = np.concatenate(made)
    return Sampled(
        np.concatenate((features, added)), np.concatenate((fraud, np.ones(len(added), dtype=bool)))
    )


def smote_enn(features: Array, fraud: Array, seed: int) -> Sampled:
    """SMOTE, then edited nearest neighbours (Batista et al., SIGKDD Explorations 6, 2004), on
    20,000 honest rows and medians for gaps.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    honest = np.flatnonzero(~fraud)
    honest = rng.choice(honest, min(ENN_HONEST, len(honest)), replace=False)
    chosen = np.sort(np.concatenate((honest, np.flatnonzero(fraud))))
    filled = imputed(features[chosen], features)
    sampler = SMOTEENN(
        smote=SMOTE(sampling_strategy=UNDER_SHARE, k_neighbors=NEIGHBOURS, random_state=seed),
        enn=EditedNearestNeighbours(),
    )
    grown, labels = sampler.fit_resample(filled, fraud[chosen].astype(np.int8))
    return Sampled(np.asarray(grown, dtype=np.float32), np.asarray(labels) == 1)


def imputed(features: Array, reference: Array) -> Array:
    """Missing values as the reference's medians, for learners that cannot take them."""
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
