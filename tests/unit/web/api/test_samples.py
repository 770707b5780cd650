"""The samples of the test form get the decision that their buttons promise, at any hour and with
the champion as it is.
"""

import math
from datetime import UTC, datetime

import pytest

from fraud_app.contracts.scored import Decision
from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions import policy
from fraud_app.settings import ROOT
from ml.features import compute
from ml.profile.event import Signals, event_of, event_time_ms
from ml.profile.update import EMPTY, update
from ml.serving import registry
from ml.serving.scorer import Scorer
from web.api import samples

NO_HISTORY = Signals(0, 0, 0, math.nan)


@pytest.fixture(scope="module")
def champion():
    models = ROOT / "models"
    return Scorer(registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm")))


def decided(champion, sample, signals):
    transaction = Transaction.model_validate(sample)
    features = compute([(EMPTY, event_of(transaction, event_time_ms(transaction, 0)), signals)])
    return policy.decide(champion.probabilities(features)[0], champion.cutoffs)


@pytest.mark.parametrize("hour", range(24))
def test_a_first_payment_is_approved_when_normal_and_flagged_when_fraud_like(champion, hour):
    at = datetime(2026, 11, 24, hour, 30, tzinfo=UTC).isoformat()
    for _ in range(10):
        assert (
            decided(champion, {**samples.normal(), "occurred_at": at}, NO_HISTORY)
            is Decision.APPROVE
        )
        assert (
            decided(champion, {**samples.fraud(), "occurred_at": at}, NO_HISTORY)
            is not Decision.APPROVE
        )


@pytest.mark.parametrize("name", samples._STORIES)
def test_a_story_is_noticed_and_its_honest_part_is_not(champion, name):
    for _ in range(10):
        profile, decisions = EMPTY, []
        for number, sample in enumerate(samples._STORIES[name]()):
            transaction = Transaction.model_validate(sample)
            event = event_of(transaction, event_time_ms(transaction, 0) + number * 500)
            features = compute([(profile, event, NO_HISTORY)])
            probability = champion.probabilities(features)[0]
            decisions.append((policy.decide(probability, champion.cutoffs), sample["country"]))
            profile = update(profile, event)
        flagged = [country for decision, country in decisions if decision is not Decision.APPROVE]
        assert flagged
        assert set(flagged) == {"ID"}
