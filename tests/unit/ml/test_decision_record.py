import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.scored import Decision, ScoredTransaction
from fraud_app.decisions.scored_message import scored_message
from ml.decision_record import Contribution, DecisionRecord, decode, encode
from ml.features import NAMES
from tests.support.builders import decision, transaction

float32 = st.floats(width=32, allow_nan=False)
decisions = st.builds(
    DecisionRecord,
    decision=st.sampled_from(Decision),
    probability_ppm=st.integers(-1, 1_000_000),
    degraded=st.sampled_from([(), ("redis",), ("model",), ("redis", "model")]),
    received_ms=st.integers(0, 2**42),
    scored_ms=st.integers(0, 2**42),
    total_us=st.integers(0, 2**32 - 1),
    features_us=st.integers(0, 2**32 - 1),
    model_us=st.integers(0, 2**32 - 1),
    review=st.floats(0, 1),
    block=st.floats(0, 1),
    model=st.text(st.characters(codec="ascii"), max_size=60),
    reasons=st.lists(
        st.builds(Contribution, st.integers(0, len(NAMES) - 1), float32), max_size=5
    ).map(tuple),
    features=st.lists(float32, min_size=len(NAMES), max_size=len(NAMES)).map(
        lambda row: np.array(row, np.float32).tobytes()
    ),
)


@given(decisions)
def test_decoding_gives_back_what_was_encoded(one):
    assert decode(encode(one)) == one


def test_a_decision_told_again_is_the_same_bytes():
    features = np.full(len(NAMES), 0.1, np.float32)
    features[3] = np.nan
    one = decision(
        decision=Decision.BLOCK,
        reasons=(Contribution(1, 0.5), Contribution(12, 0.25)),
        features=features.tobytes(),
    )
    sent = transaction(metadata={"note": "ünï\u0000"})
    assert scored_message(sent, decode(encode(one))) == scored_message(sent, one)


def test_the_message_is_what_the_contract_says():
    features = np.zeros(len(NAMES), np.float32).tobytes()
    message = scored_message(
        transaction(amount="12.30"), decision(features=features, reasons=(Contribution(0, 1.0),))
    )
    told = ScoredTransaction.model_validate_json(message)
    assert told.amount == "12.30"
    assert told.probability == 0.001234
    assert told.reasons[0].code == NAMES[0]
    assert orjson.loads(message)["latency_ms"] == {"total": 3.0, "features": 0.05, "model": 0.4}


def test_without_a_model_nothing_is_invented():
    message = scored_message(
        transaction(),
        decision(probability_ppm=-1, model="", degraded=("model",), decision=Decision.REVIEW),
    )
    told = ScoredTransaction.model_validate_json(message)
    assert (told.probability, told.model, told.thresholds, told.features) == (
        None,
        None,
        None,
        None,
    )
    assert told.degraded == ["model"]
