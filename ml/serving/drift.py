"""How far traffic has moved from what a model was trained on: the population stability index (PSI)
a feature, and missing rates.

By convention, below 0.1 nothing happened, from 0.2 on somebody should look (Siddiqi, Credit Risk
Scorecards, 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

BINS = 10
FLOOR = 1e-4
"""Share that an empty bin counts as; the index would be infinite."""
SCORE = "probability"
WATCH, ACT = 0.1, 0.2


class Drift(NamedTuple):
    feature: str
    psi: float
    missing: float
    """Share of the live values that are missing."""
    reference_missing: float


def bins_of(columns: Mapping[str, Array]) -> dict[str, Any]:
    """Bins of each column for later: edges at its quantiles, the share in each bin, the share that
    is missing.
    """
    found = {}
    for name, values in columns.items():
        present = values[~np.isnan(values)]
        edges = (
            np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
            if len(present)
            else np.array([])
        )
        found[name] = {
            "edges": edges.astype(float).tolist(),
            "shares": _shares(present, edges).tolist(),
            "missing": float(1 - len(present) / max(len(values), 1)),
        }
    return found


def drift_of(bins: Mapping[str, Any], columns: Mapping[str, Array]) -> list[Drift]:
    """Drift of each column that has bins. Missing values are a share of their own beside the index,
    not part of it.
    """
    found = []
    for name, reference in bins.items():
        if name not in columns:
            continue
        values = columns[name]
        present = values[~np.isnan(values)]
        missing = float(1 - len(present) / max(len(values), 1))
        index = (
            psi(np.array(reference["shares"]), _shares(present, np.array(reference["edges"])))
            if len(present)
            else 0.0
        )
        found.append(Drift(name, index, missing, reference["missing"]))
    return found


def psi(expected: Array, actual: Array) -> float:
    """Sum over the bins of (actual - expected) × ln(actual / expected).

    >>> round(psi(np.array([0.5, 0.5]), np.array([0.5, 0.5])), 6), round(psi(np.array([0.5, 0.5]), np.array([0.9, 0.1])), 3)
    (0.0, 0.879)
    """
    expected, actual = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _shares(values: Array, edges: Array) -> Array:
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    shares: Array = counts / max(counts.sum(), 1)
    return shares
