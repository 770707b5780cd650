import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.scored import Decision
from ml.decision_record import Contribution, DecisionRecord, decode, encode
from ml.features import NAMES

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
def test_decoding_gives_back_what_was_encoded(record):
    assert decode(encode(record)) == record
