"""Whether a worker scores."""

from fraud_app.scoring_state import ScoringState


def test_a_worker_scores_until_it_says_why_not():
    assert ScoringState().stopped == ""
