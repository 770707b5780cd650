"""Drift: how far live traffic has moved from the data that a model was trained on. Measured by the
population stability index (PSI) and the missing rate of each feature.

By convention, a PSI below 0.1 means no change, and from 0.2 on somebody should look (Siddiqi,
Credit Risk Scorecards, 2006). Labels are never needed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BINS = 10
"""Deciles, as is usual for the PSI."""
FLOOR = 1e-4
"""An empty bin counts as this share; with 0 the index would be infinite."""
SCORE = "probability"
"""Name of the score's column, beside the names of the features."""
WATCH, ACT = 0.1, 0.2
"""PSI from which somebody watches, and acts; the convention above."""


class Drift(NamedTuple):
    """Drift of one column."""

    feature: str
    psi: float
    missing: float
    """Share of the live values that are missing."""
    reference_missing: float
    """Share of the training values that were missing."""


def bins_of(columns: Mapping[str, Array]) -> dict[str, Any]:
    """The reference for `drift_of`, a JSON object for each column: `edges` at its quantiles,
    `shares` of the present values in each bin, share `missing`. Columns: float, NaN is missing.
    """
    bins = {}
    for name, values in columns.items():
        present = values[~np.isnan(values)]
        edges = (
            np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
            if len(present)
            else np.array([])
        )
        bins[name] = {
            "edges": edges.astype(float).tolist(),
            "shares": _shares(present, edges).tolist(),
            "missing": float(1 - len(present) / max(len(values), 1)),
        }
    return bins


def drift_of(bins: Mapping[str, Any], columns: Mapping[str, Array]) -> list[Drift]:
    """Drift of each column that has bins. Missing values are not part of the index; their share is
    given beside it.
    """
    drifts = []
    for name, reference in bins.items():
        if name not in columns:
            continue
        values = columns[name]
        present = values[~np.isnan(values)]
        missing = float(1 - len(present) / max(len(values), 1))
        index = 0.0
        if len(present):
            shares = _shares(present, np.array(reference["edges"]))
            index = psi(np.array(reference["shares"]), shares)
        drifts.append(Drift(name, index, missing, reference["missing"]))
    return drifts


def psi(expected: Array, actual: Array) -> float:
    """Sum over the bins of (actual - expected) × ln(actual / expected). Arguments: the share of
    each bin.

    >>> even, uneven = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    >>> round(psi(even, even), 6), round(psi(even, uneven), 3)
    (0.0, 0.879)
    """
    expected, actual = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _shares(values: Array, edges: Array) -> Array:
    """The share of the values in each of the len(edges) + 1 bins."""
    bins = np.searchsorted(edges, values, side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    shares: Array = counts / max(counts.sum(), 1)
    return shares
