"""Whose fault a failure is."""

import pytest

from fraud_app.decisions.faults import MAX_USERS_ALIKE, FaultFinder, decide_probe, place_of
from fraud_app.settings import ROOT
from ml.serving import registry
from ml.serving.scorer import Scorer
from tests.support.builders import NOW_MS


def failure(kind=ValueError, text="the card number 4111111111111111"):
    try:
        raise kind(text)
    except kind as error:
        return error


def healthy():
    """A plain transaction is decided."""


def broken():
    raise RuntimeError("the model is broken")


def test_a_record_that_fails_while_a_plain_one_does_not_is_at_fault():
    assert not FaultFinder(healthy).is_ours(failure(), "u1")


def test_when_a_plain_transaction_fails_too_the_fault_is_ours_at_once():
    assert FaultFinder(broken).is_ours(failure(), "u1")


def test_users_that_fail_alike_one_after_the_other_are_no_coincidence():
    faults, error = FaultFinder(healthy), failure()
    users = [f"u{number}" for number in range(MAX_USERS_ALIKE)]
    assert [faults.is_ours(error, user) for user in users] == [False] * 4 + [True]


def test_one_user_alone_never_stops_the_others():
    faults, error = FaultFinder(healthy), failure()
    assert not any(faults.is_ours(error, "u1") for _ in range(100))


def test_a_record_that_is_decided_in_between_shows_that_it_was_the_records():
    faults, error = FaultFinder(healthy), failure()
    for number in range(100):
        assert not faults.is_ours(error, f"u{number}")
        faults.succeeded()


def test_different_failures_are_not_alike():
    faults = FaultFinder(healthy)
    for number in range(20):
        kind = (ValueError, KeyError)[number % 2]
        assert not faults.is_ours(failure(kind), f"u{number}")


def test_the_place_says_where_and_never_what():
    place = place_of(failure())
    assert place.startswith("ValueError in decisions/test_faults.py:")
    assert "4111" not in place


@pytest.mark.parametrize("with_model", [True, False])
def test_the_probe_is_decided_with_and_without_a_model(with_model):
    scorer = Scorer(registry.read_alias(ROOT / "models", "fraud-lgbm")) if with_model else None
    decide_probe(scorer, NOW_MS)


def test_a_broken_model_shows_in_the_probe():
    class Broken:
        def probabilities(self, matrix):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decide_probe(Broken(), NOW_MS)
