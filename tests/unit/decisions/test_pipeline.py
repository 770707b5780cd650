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
    """Rows in a dictionary, in the place of RocksDB."""

    def __init__(self):
        self.kept = {}

    def read(self, partition, user_id):
        return decode(self.kept[user_id]) if user_id in self.kept else EMPTY


@pytest.fixture(scope="module")
def scorer():
    models = ROOT / "models"
    return Scorer(registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm")))


def payment(offset, user="u1", received_ms=NOW_MS, **fields):
    one = transaction(user_id=user, **fields)
    return ScoringInput(
        Record(0, offset, user.encode(), b"", received_ms),
        one,
        event_of(one, received_ms),
        hash64(user),
    )


def decided(rows, scorer, *payments, signals=True):
    found = decide_batch(
        payments,
        rows,
        [Signals(1.0, 2.0, 3.0, 4.0)] * len(payments) if signals else None,
        scorer,
        Position(1, {0: -1}),
    )
    for changed in found.rows.values():
        rows.kept.update({user: encode(row) for user, row in changed.items()})
    return found


def test_payments_of_one_user_in_one_batch_see_each_other(scorer):
    rows = Rows()
    found = decided(rows, scorer, payment(0), payment(1, user="u2"), payment(2), payment(3))
    counts = [
        feature_values(decision.features)[NAMES.index("tx_count_1h")]
        for one, decision in found.new
        if one.transaction.user_id == "u1"
    ]
    assert counts == [0, 1, 2]
    assert view(decode(rows.kept["u1"]).profile).payments == 3
    assert len(found.rows[0]) == 2, "one changed row a user, however many payments"


def test_a_batch_and_single_payments_give_the_same_features(scorer):
    together, apart = Rows(), Rows()
    payments = [
        payment(
            number,
            received_ms=NOW_MS + number * 1000,
            amount=str(number + 1),
            transaction_id=f"p{number}",
        )
        for number in range(4)
    ]
    at_once = decided(together, scorer, *payments)
    one_by_one = [(decided(apart, scorer, one)).new[0][1] for one in payments]
    assert [decision.features for _, decision in at_once.new] == [
        decision.features for decision in one_by_one
    ]
    assert [decision.probability_ppm for _, decision in at_once.new] == [
        decision.probability_ppm for decision in one_by_one
    ]


def test_a_replayed_record_is_emitted_again_and_not_counted(scorer):
    rows = Rows()
    first = decided(rows, scorer, payment(0, transaction_id="a"))
    again = decided(rows, scorer, payment(0, transaction_id="a"))
    assert again.redelivered == [DeliveryKind.REPLAYED]
    assert again.emitted[0][1] == first.emitted[0][1]
    assert again.new == []
    assert again.rows, "the row is written back: the changelog may lack it"
    assert view(decode(rows.kept["u1"]).profile).payments == 1


def test_a_duplicate_within_one_batch_is_counted_once(scorer):
    rows = Rows()
    found = decided(rows, scorer, payment(0, transaction_id="a"), payment(1, transaction_id="a"))
    assert [decision.probability_ppm for _, decision in found.emitted] == [
        found.new[0][1].probability_ppm
    ] * 2
    assert view(decode(rows.kept["u1"]).profile).payments == 1


def test_a_conflict_is_not_emitted(scorer):
    found = decided(
        Rows(), scorer, payment(0, transaction_id="a"), payment(1, transaction_id="a", amount="99")
    )
    assert len(found.emitted) == 1
    assert [one.record.offset for one in found.conflicts] == [1]


def test_without_redis_the_shared_signals_are_missing_and_it_says_so(scorer):
    ((_, decision),) = (decided(Rows(), scorer, payment(0), signals=False)).new
    assert decision.degraded == ("redis",)
    assert all(math.isnan(feature_values(decision.features)[place]) for place in SHARED)
    assert decision.probability_ppm >= 0


def test_without_a_model_everything_goes_to_review():
    ((_, decision),) = (decided(Rows(), None, payment(0))).new
    assert (decision.decision, decision.probability, decision.degraded) == (
        Decision.REVIEW,
        None,
        ("model",),
    )


def test_only_what_is_not_approved_is_explained(scorer, monkeypatch):
    monkeypatch.setattr(
        scorer, "cutoffs", Cutoffs(0.02, 0.9)
    )  # whatever the champion's are: this is not about where they lie
    found = decided(
        Rows(),
        scorer,
        payment(0),
        payment(
            1,
            user="x",
            amount="200",
            category="gift_cards",
            country="ID",
            latitude=-6.2,
            longitude=106.8,
        ),
    )
    by_user = {one.transaction.user_id: decision for one, decision in found.new}
    assert by_user["u1"].decision is Decision.APPROVE
    assert by_user["u1"].reasons == ()
    assert by_user["x"].decision is not Decision.APPROVE
    assert by_user["x"].reasons
