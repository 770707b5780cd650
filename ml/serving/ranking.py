"""How well scores rank fraud above honest transactions: the precision-recall curve and its area."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class PrecisionRecall(NamedTuple):
    """Precision and recall of flagging all from each distinct score on, the strictest last."""

    precision: Array
    recall: Array
    average_precision: float
    """Sum over the curve of (recall step × precision); Zhu, Recall, Precision and Average Precision
    (2004).
    """


def precision_recall(fraud: Array, score: Array) -> PrecisionRecall:
    """The curve of these scores. `fraud`: bool, the truth; at least one must be true.

    >>> precision_recall(np.array([True, False, True]), np.array([0.9, 0.5, 0.4])).average_precision.round(3)
    np.float64(0.833)
    """
    order = np.argsort(-score, kind="stable")
    fraud, score = fraud[order], score[order]
    last_of_score = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    found = np.cumsum(fraud)[last_of_score]
    precision, recall = found / (last_of_score + 1), found / found[-1]
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return PrecisionRecall(np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), area)
