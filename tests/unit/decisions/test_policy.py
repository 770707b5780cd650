"""Decision and risk score of a probability."""

from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.scored import Decision
from fraud_app.decisions.policy import BLOCK_SCORE, REVIEW_SCORE, decide, risk_score
from ml.serving.cutoffs import Cutoffs

all_cutoffs = st.tuples(st.floats(0.001, 0.4), st.floats(0.41, 0.99)).map(
    lambda pair: Cutoffs(*pair)
)
probabilities = st.floats(0, 1)


@given(probabilities, probabilities, all_cutoffs)
def test_a_higher_probability_never_has_a_lower_score(a, b, cutoffs):
    low, high = sorted((a, b))
    assert risk_score(low, cutoffs) <= risk_score(high, cutoffs)


@given(probabilities, all_cutoffs)
def test_risk_score_and_decision_agree(probability, cutoffs):
    decision, score = decide(probability, cutoffs), risk_score(probability, cutoffs)
    assert 0 <= score <= 99
    if decision is Decision.BLOCK:
        assert score >= BLOCK_SCORE
    elif decision is Decision.REVIEW:
        assert REVIEW_SCORE <= score <= BLOCK_SCORE
    else:
        assert score < REVIEW_SCORE or probability > cutoffs.review * 0.999


def test_without_a_model_every_decision_is_review():
    assert decide(None, None) is Decision.REVIEW
    assert risk_score(None, None) == REVIEW_SCORE
