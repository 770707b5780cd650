"""Features to calibrated probability, and which features made it. One model, loaded once,
single-threaded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.features import NAMES, Matrix
from ml.serving.booster import Booster
from ml.serving.registry import ModelFiles


class Scorer:
    """A loaded model. Raises `lightgbm.basic.LightGBMError` for a text that LightGBM cannot read."""

    def __init__(self, files: ModelFiles) -> None:
        self.reference = files.reference
        self.cutoffs = files.cutoffs
        self._slope, self._intercept = files.slope, files.intercept
        self._booster = Booster(files.text)
        if self._booster.features != len(NAMES):
            raise ValueError(
                f"the model takes {self._booster.features} features, there are {len(NAMES)}"
            )
        # The first calls set things up for 100 ms; the first customer need not wait for that.
        nothing = matrix_of([(math.nan,) * len(NAMES)])
        self.probabilities(nothing)
        self.contributions(nothing)

    def probabilities(self, matrix: Matrix) -> list[float]:
        """Calibrated probability of fraud a row (Platt, Advances in Large Margin Classifiers,
        1999).
        """
        return self.calibrated(self._booster.raw_scores(matrix))

    def calibrated(self, raw: npt.NDArray[np.float64]) -> list[float]:
        """Raw scores as probabilities."""
        return [
            1.0 / (1.0 + math.exp(-(self._slope * score + self._intercept)))
            for score in raw.tolist()
        ]

    def contributions(self, matrix: Matrix) -> list[list[float]]:
        """Each feature's part in the calibrated log-odds, a list a row: exact TreeSHAP. About 0.13
        ms a row.
        """
        parts: list[list[float]] = (
            self._booster.contributions(matrix)[:, :-1] * self._slope
        ).tolist()
        return parts


def matrix_of(rows: Sequence[Sequence[float]]) -> Matrix:
    """Feature tuples as the model's input: float32, C order."""
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(NAMES))
