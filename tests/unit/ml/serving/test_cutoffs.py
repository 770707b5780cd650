"""Where review and block begin."""

import math

import pytest

from fraud_app.contracts.scored import Decision
from ml.serving.cutoffs import Cutoffs, log_odds


@pytest.mark.parametrize(
    ("probability", "decision"),
    [
        (0.0, Decision.APPROVE),
        (0.0999, Decision.APPROVE),
        (0.1, Decision.REVIEW),
        (0.4999, Decision.REVIEW),
        (0.5, Decision.BLOCK),
        (1.0, Decision.BLOCK),
    ],
)
def test_a_cutoff_belongs_to_the_stricter_side(probability, decision):
    assert Cutoffs(0.1, 0.5).decide(probability) is decision


def test_equal_cutoffs_leave_no_review():
    assert Cutoffs(0.3, 0.3).decide(0.3) is Decision.BLOCK


def test_log_odds_are_finite_at_the_ends():
    assert log_odds(0.5) == 0.0
    assert log_odds(0.0) == pytest.approx(-log_odds(1.0))
    assert math.isfinite(log_odds(0.0))
