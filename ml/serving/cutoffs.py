"""The cutoffs: the probabilities from which a transaction is reviewed or blocked. Lists and rules
are never looked at here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from fraud_app.contracts.scored import Decision

# Beyond these the log-odds would be infinite.
MIN_PROBABILITY, MAX_PROBABILITY = 1e-6, 1 - 1e-6


class Cutoffs(NamedTuple):
    """Calibrated probabilities; 0 < review <= block < 1."""

    review: float
    block: float

    def decide(self, probability: float) -> Decision:
        """Block, review or approve, for a calibrated probability.

        >>> Cutoffs(0.1, 0.5).decide(0.3).value
        'review'
        """
        if probability >= self.block:
            return Decision.BLOCK
        return Decision.REVIEW if probability >= self.review else Decision.APPROVE


def log_odds(probability: float) -> float:
    """ln(p / (1 - p)), with p clamped to [1e-6, 1 - 1e-6]."""
    p = min(max(probability, MIN_PROBABILITY), MAX_PROBABILITY)
    return math.log(p / (1 - p))
