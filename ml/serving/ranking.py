"""How well scores rank fraud above honest transactions: the precision-recall curve and its area.

The running service uses this module, so it must not import scikit-learn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class PrecisionRecall(NamedTuple):
    """Precision and recall when everything from a score on is flagged, for each distinct score; the
    highest score is last.
    """

    precision: Array
    recall: Array
    average_precision: float
    """Sum over the curve of (recall step × precision); Zhu, Recall, Precision and Average Precision
    (2004).
    """


def precision_recall(fraud: Array, score: Array) -> PrecisionRecall:
    """The curve of these scores. `fraud`: bool, the truth, at least one true; `score`: float; one
    entry for each transaction.

    >>> curve = precision_recall(np.array([True, False, True]), np.array([0.9, 0.5, 0.4]))
    >>> round(curve.average_precision, 3)
    0.833
    """
    order = np.argsort(-score, kind="stable")
    fraud, score = fraud[order], score[order]
    last_of_score = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    true_positives = np.cumsum(fraud)[last_of_score]
    precision = true_positives / (last_of_score + 1)
    recall = true_positives / true_positives[-1]
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return PrecisionRecall(np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), area)
