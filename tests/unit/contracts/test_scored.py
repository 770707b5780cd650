"""The order of the decisions is part of what is stored."""

from fraud_app.contracts.scored import DECISIONS


def test_decisions_go_from_the_most_lenient_to_the_strictest():
    assert [decision.value for decision in DECISIONS] == ["approve", "review", "block"]
