"""Scoring of transactions whose rows are at hand."""

import pytest

from fraud_app.contracts.scored import Decision
from fraud_app.decisions.parse import Record, scoring_input
from fraud_app.decisions.score import NO_SIGNALS, score
from fraud_app.settings import ROOT
from ml.features import ROW_BYTES
from ml.serving import registry
from ml.serving.cutoffs import Cutoffs
from ml.serving.scorer import Scorer
from tables.user_row import EMPTY
from tests.support.builders import NOW_MS, transaction


@pytest.fixture(scope="module")
def scorer():
    return Scorer(registry.read_alias(ROOT / "models", "fraud-lgbm"))


def inputs(*users):
    return [
        (
            scoring_input(Record(0, offset, b"", b"", NOW_MS), transaction(user_id=user), NOW_MS),
            NO_SIGNALS,
        )
        for offset, user in enumerate(users)
    ]


def test_nothing_to_score_is_nothing_scored(scorer):
    assert score([], {}, scorer) == []


def test_each_transaction_gets_its_own_record_in_order(scorer):
    scored = score(inputs("u1", "u2", "u3"), dict.fromkeys(["u1", "u2", "u3"], EMPTY), scorer)
    assert [item.transaction.user_id for item, _ in scored] == ["u1", "u2", "u3"]
    for _, decision in scored:
        assert decision.model == scorer.reference
        assert len(decision.features) == ROW_BYTES
        assert decision.received_ms == NOW_MS


def test_what_was_missing_is_said_and_a_missing_model_too(scorer):
    ((_, degraded),) = score(inputs("u1"), {"u1": EMPTY}, scorer, ["redis"])
    assert degraded.degraded == ("redis",)
    ((_, unmodelled),) = score(inputs("u1"), {"u1": EMPTY}, None, ["redis"])
    assert unmodelled.degraded == ("redis", "model")
    assert (unmodelled.decision, unmodelled.probability) == (Decision.REVIEW, None)


def test_what_is_not_approved_has_its_reasons(scorer, monkeypatch):
    monkeypatch.setattr(scorer, "cutoffs", Cutoffs(1e-6, 2e-6))
    ((_, decision),) = score(inputs("u1"), {"u1": EMPTY}, scorer)
    assert decision.decision is Decision.BLOCK
    monkeypatch.setattr(scorer, "cutoffs", Cutoffs(0.999998, 0.999999))
    ((_, approved),) = score(inputs("u1"), {"u1": EMPTY}, scorer)
    assert (approved.decision, approved.reasons) == (Decision.APPROVE, ())
