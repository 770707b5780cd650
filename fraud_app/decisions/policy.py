"""From a calibrated probability to a decision, and to a score that people can read.

Pure. Rules and lists will be added here.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

from fraud_app.contracts.scored import Decision
from ml.serving.cutoffs import Cutoffs, log_odds

REVIEW_SCORE, BLOCK_SCORE, HIGHEST_SCORE = 60, 85, 99
"""The scores at the two cutoffs, and the highest score. They are the same for every model."""
LOWEST_ANCHOR, HIGHEST_ANCHOR = 1e-5, 0.9999
"""Probabilities at which the scale ends, unless the cutoffs lie close to them or beyond."""
WITHOUT_MODEL = Decision.REVIEW
"""No model, no approval: people decide until it is back."""


def decide(probability: float | None, cutoffs: Cutoffs | None) -> Decision:
    """Block, review or approve by the cutoffs; review without a model.

    >>> decide(0.3, Cutoffs(0.1, 0.5)).value
    'review'
    """
    if probability is None or cutoffs is None:
        return WITHOUT_MODEL
    return cutoffs.decide(probability)


def risk_score(probability: float | None, cutoffs: Cutoffs | None) -> int:
    """The risk score, 0 to 99. It is linear in the log-odds between anchors, and the scores 60 and
    85 are always the cutoffs.

    >>> [risk_score(p, Cutoffs(0.1, 0.5)) for p in (0.0, 0.0999, 0.1, 0.5, 1.0)]
    [0, 59, 60, 85, 99]
    """
    if probability is None or cutoffs is None:
        return REVIEW_SCORE
    anchors = _anchors(cutoffs)
    x = log_odds(probability)
    if x <= anchors[0][0]:
        return 0
    for (x0, y0), (x1, y1) in pairwise(anchors):
        if x < x1:
            return math.floor(y0 + (y1 - y0) * (x - x0) / (x1 - x0) + 1e-9)
    return HIGHEST_SCORE


@lru_cache(maxsize=64)
def _anchors(cutoffs: Cutoffs) -> tuple[tuple[float, int], ...]:
    """Pairs of log-odds and score, ascending."""
    return (
        (log_odds(min(LOWEST_ANCHOR, cutoffs.review / 10)), 0),
        (log_odds(cutoffs.review), REVIEW_SCORE),
        (log_odds(cutoffs.block), BLOCK_SCORE),
        (log_odds(max(HIGHEST_ANCHOR, 1 - (1 - cutoffs.block) / 10)), HIGHEST_SCORE),
    )


def risk_level(decision: Decision) -> str:
    """The level of a decision in one word, for people."""
    return {Decision.APPROVE: "low", Decision.REVIEW: "elevated", Decision.BLOCK: "high"}[decision]
