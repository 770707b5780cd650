"""The scored message is a function of the transaction and its decision record, byte for byte."""

import numpy as np
import orjson
import pytest

from fraud_app.contracts.scored import Decision, ScoredTransaction
from fraud_app.decisions.scored_message import (
    feature_values,
    missing_features,
    scored_message,
    timestamp,
)
from ml.decision_record import Contribution, decode, encode
from ml.features import NAMES
from tests.support.builders import decision, transaction


def test_a_decision_given_again_is_the_same_bytes():
    features = np.full(len(NAMES), 0.1, np.float32)
    features[3] = np.nan
    record = decision(
        decision=Decision.BLOCK,
        reasons=(Contribution(1, 0.5), Contribution(12, 0.25)),
        features=features.tobytes(),
    )
    sent = transaction(metadata={"note": "ünï\u0000"})
    assert scored_message(sent, decode(encode(record))) == scored_message(sent, record)


def test_the_message_is_what_the_contract_says():
    features = np.zeros(len(NAMES), np.float32).tobytes()
    message = scored_message(
        transaction(amount="12.30"), decision(features=features, reasons=(Contribution(0, 1.0),))
    )
    scored = ScoredTransaction.model_validate_json(message)
    assert scored.amount == "12.30"
    assert scored.probability == 0.001234
    assert scored.reasons[0].code == NAMES[0]
    assert orjson.loads(message)["latency_ms"] == {"total": 3.0, "features": 0.05, "model": 0.4}


def test_without_a_model_nothing_is_invented():
    record = decision(probability_ppm=-1, model="", degraded=("model",), decision=Decision.REVIEW)
    scored = ScoredTransaction.model_validate_json(scored_message(transaction(), record))
    assert scored.degraded == ["model"]
    for value in (scored.probability, scored.model, scored.thresholds, scored.features):
        assert value is None


def test_missing_features_are_named_and_null():
    features = np.zeros(len(NAMES), np.float32)
    features[[0, 5]] = np.nan
    values = feature_values(features.tobytes())
    assert missing_features(values) == [NAMES[0], NAMES[5]]
    message = orjson.loads(scored_message(transaction(), decision(features=features.tobytes())))
    assert [message["features"][index] for index in (0, 1, 5)] == [None, 0.0, None]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (59_999, "1970-01-01T00:00:59.999Z"),
        (1_764_000_000_000, "2025-11-24T16:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(ms, text):
    assert timestamp(ms) == text
