"""From features to a calibrated probability, and what each feature contributed to it.

One model, loaded once, single-threaded. The cutoffs are only carried along: nothing is decided
here.
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
    """A loaded model.

    Raises `lightgbm.basic.LightGBMError` for a text that LightGBM cannot read, and `ValueError` for
    a model of another number of features.
    """

    def __init__(self, files: ModelFiles) -> None:
        self.reference = files.reference
        self.cutoffs = files.cutoffs
        self._slope, self._intercept = files.slope, files.intercept
        self._booster = Booster(files.text)
        if self._booster.features != len(NAMES):
            raise ValueError(
                f"the model takes {self._booster.features} features, there are {len(NAMES)}"
            )
        # The first calls take 100 ms for initialisation; the first customer must not wait for that.
        all_missing = matrix_of([(math.nan,) * len(NAMES)])
        self.probabilities(all_missing)
        self.contributions(all_missing)

    def probabilities(self, matrix: Matrix) -> list[float]:
        """Calibrated probability of fraud of each row (Platt, Advances in Large Margin Classifiers,
        1999). Raises `ValueError` for a matrix that is not float32, C-ordered, (rows, features).
        """
        return self.calibrated(self._booster.raw_scores(matrix))

    def calibrated(self, raw: npt.NDArray[np.float64]) -> list[float]:
        """Calibrated probabilities of raw scores (log-odds)."""
        return [
            1.0 / (1.0 + math.exp(-(self._slope * score + self._intercept)))
            for score in raw.tolist()
        ]

    def contributions(self, matrix: Matrix) -> list[list[float]]:
        """What each feature adds to the calibrated log-odds, one list for each row: exact TreeSHAP.
        About 0.13 ms a row.
        """
        raw = self._booster.contributions(matrix)[:, :-1]
        contributions: list[list[float]] = (raw * self._slope).tolist()
        return contributions


def matrix_of(rows: Sequence[Sequence[float]]) -> Matrix:
    """The model's input from lists of feature values: float32, C order, (rows, features). Raises
    `ValueError` for a row of another length.
    """
    return np.array(rows, dtype=np.float32).reshape(len(rows), len(NAMES))
