"""Decisions of a batch: counted once, given again, degraded, explained."""

import math

import pytest

from fraud_app.contracts.scored import Decision
from fraud_app.decisions.classify import DeliveryKind
from fraud_app.decisions.parse import Record, ScoringInput
from fraud_app.decisions.pipeline import Position, decide_batch
from fraud_app.decisions.scored_message import feature_values
from fraud_app.settings import ROOT
from ml.features import NAMES, SHARED
from ml.profile.event import Signals, event_of, hash64
from ml.profile.layout import view
from ml.serving import registry
from ml.serving.cutoffs import Cutoffs
from ml.serving.scorer import Scorer
from tables.user_row import EMPTY, decode, encode
from tests.support.builders import NOW_MS, transaction


class Rows:
    """Encoded rows by user in a dictionary, in the place of RocksDB."""

    def __init__(self):
        self.encoded = {}

    def read(self, partition, user_id):
        return decode(self.encoded[user_id]) if user_id in self.encoded else EMPTY


@pytest.fixture(scope="module")
def scorer():
    models = ROOT / "models"
    return Scorer(registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm")))


def scoring_input(offset, user="u1", received_ms=NOW_MS, **fields):
    valid = transaction(user_id=user, **fields)
    return ScoringInput(
        Record(0, offset, user.encode(), b"", received_ms),
        valid,
        event_of(valid, received_ms),
        hash64(user),
    )


def decided(rows, scorer, *inputs, signals=True):
    """Decide a batch and store its rows."""
    batch = decide_batch(
        inputs,
        rows,
        [Signals(1.0, 2.0, 3.0, 4.0)] * len(inputs) if signals else None,
        scorer,
        Position({0: 1}, {0: -1}),
    )
    for changed in batch.rows.values():
        rows.encoded.update({user: encode(row) for user, row in changed.items()})
    return batch


def test_transactions_of_one_user_in_one_batch_see_each_other(scorer):
    rows = Rows()
    batch = decided(
        rows,
        scorer,
        scoring_input(0),
        scoring_input(1, user="u2"),
        scoring_input(2),
        scoring_input(3),
    )
    counts = [
        feature_values(decision.features)[NAMES.index("tx_count_1h")]
        for item, decision in batch.new
        if item.transaction.user_id == "u1"
    ]
    assert counts == [0, 1, 2]
    assert view(decode(rows.encoded["u1"]).profile).payments == 3
    assert len(batch.rows[0]) == 2, "one changed row a user, however many transactions"


def test_a_batch_and_single_transactions_give_the_same_features(scorer):
    together, apart = Rows(), Rows()
    inputs = [
        scoring_input(
            number,
            received_ms=NOW_MS + number * 1000,
            amount=str(number + 1),
            transaction_id=f"p{number}",
        )
        for number in range(4)
    ]
    at_once = decided(together, scorer, *inputs)
    one_by_one = [decided(apart, scorer, item).new[0][1] for item in inputs]
    assert [decision.features for _, decision in at_once.new] == [
        decision.features for decision in one_by_one
    ]
    assert [decision.probability_ppm for _, decision in at_once.new] == [
        decision.probability_ppm for decision in one_by_one
    ]


def test_a_redelivered_record_is_emitted_again_and_not_counted_again(scorer):
    rows = Rows()
    first = decided(rows, scorer, scoring_input(0, transaction_id="a"))
    again = decided(rows, scorer, scoring_input(0, transaction_id="a"))
    assert again.redelivered == [DeliveryKind.REPLAYED]
    assert again.emitted[0][1] == first.emitted[0][1]
    assert again.new == []
    assert again.rows, "the row is written back: the changelog may lack it"
    assert view(decode(rows.encoded["u1"]).profile).payments == 1


def test_a_duplicate_within_one_batch_is_counted_once(scorer):
    rows = Rows()
    batch = decided(
        rows, scorer, scoring_input(0, transaction_id="a"), scoring_input(1, transaction_id="a")
    )
    assert [decision.probability_ppm for _, decision in batch.emitted] == [
        batch.new[0][1].probability_ppm
    ] * 2
    assert view(decode(rows.encoded["u1"]).profile).payments == 1


def test_a_conflict_gives_no_decision(scorer):
    batch = decided(
        Rows(),
        scorer,
        scoring_input(0, transaction_id="a"),
        scoring_input(1, transaction_id="a", amount="99"),
    )
    assert len(batch.emitted) == 1
    assert [item.record.offset for item in batch.conflicts] == [1]


def test_without_redis_the_cross_user_signals_are_missing_and_the_decision_is_degraded(scorer):
    ((_, decision),) = decided(Rows(), scorer, scoring_input(0), signals=False).new
    assert decision.degraded == ("redis",)
    assert all(math.isnan(feature_values(decision.features)[index]) for index in SHARED)
    assert decision.probability_ppm >= 0


def test_without_a_model_every_transaction_goes_to_review():
    ((_, decision),) = decided(Rows(), None, scoring_input(0)).new
    assert (decision.decision, decision.probability, decision.degraded) == (
        Decision.REVIEW,
        None,
        ("model",),
    )


def test_only_decisions_other_than_approve_have_reasons(scorer, monkeypatch):
    # Fixed cutoffs, since this must not depend on those of the champion.
    monkeypatch.setattr(scorer, "cutoffs", Cutoffs(0.02, 0.9))
    batch = decided(
        Rows(),
        scorer,
        scoring_input(0),
        scoring_input(
            1,
            user="x",
            amount="200",
            category="gift_cards",
            country="ID",
            latitude=-6.2,
            longitude=106.8,
        ),
    )
    by_user = {item.transaction.user_id: decision for item, decision in batch.new}
    assert by_user["u1"].decision is Decision.APPROVE
    assert by_user["u1"].reasons == ()
    assert by_user["x"].decision is not Decision.APPROVE
    assert by_user["x"].reasons
