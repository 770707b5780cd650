"""The probabilities from which a transaction is reviewed and blocked."""

from __future__ import annotations

import math
from typing import NamedTuple

from fraud_app.contracts.scored import Decision

MIN_PROBABILITY, MAX_PROBABILITY = 1e-6, 1 - 1e-6


class Cutoffs(NamedTuple):
    """Probabilities from which a transaction is reviewed and blocked; 0 < review <= block < 1."""

    review: float
    block: float

    def decide(self, probability: float) -> Decision:
        """Block, review or approve.

        >>> Cutoffs(0.1, 0.5).decide(0.3).value
        'review'
        """
        if probability >= self.block:
            return Decision.BLOCK
        return Decision.REVIEW if probability >= self.review else Decision.APPROVE


def log_odds(probability: float) -> float:
    """ln(p / (1 - p)), with p held within [1e-6, 1 - 1e-6]."""
    p = min(max(probability, MIN_PROBABILITY), MAX_PROBABILITY)
    return math.log(p / (1 - p))
