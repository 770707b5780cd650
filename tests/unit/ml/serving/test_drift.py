"""The population stability index and missing rates."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.drift import ACT, WATCH, bins_of, drift_of, psi

rng = np.random.default_rng(2)
USUAL = {
    "amount": rng.lognormal(3, 1, 5000),
    "flag": (rng.random(5000) < 0.2).astype(float),
    "speed": np.full(5000, np.nan),
}


def drift_by_feature(columns):
    return {drift.feature: drift for drift in drift_of(bins_of(USUAL), columns)}


def test_the_same_kind_of_traffic_has_not_drifted():
    again = np.random.default_rng(3)
    drifts = drift_by_feature(
        {"amount": again.lognormal(3, 1, 5000), "flag": (again.random(5000) < 0.2).astype(float)}
    )
    assert all(drift.psi < WATCH / 2 for drift in drifts.values())


def test_larger_amounts_and_other_flags_are_drift():
    drifts = drift_by_feature({"amount": USUAL["amount"] * 3, "flag": 1 - USUAL["flag"]})
    assert drifts["amount"].psi > ACT
    assert drifts["flag"].psi > ACT


def test_missing_values_are_reported_beside_the_index():
    half = USUAL["amount"].copy()
    half[::2] = np.nan
    drifts = drift_by_feature({"amount": half, "speed": np.full(100, np.nan)})
    assert (drifts["amount"].missing, drifts["amount"].reference_missing) == (0.5, 0.0)
    assert drifts["amount"].psi < WATCH / 2
    assert (drifts["speed"].psi, drifts["speed"].missing, drifts["speed"].reference_missing) == (
        0.0,
        1.0,
        1.0,
    )


@given(
    st.lists(st.integers(0, 100), min_size=3, max_size=3),
    st.lists(st.integers(0, 100), min_size=3, max_size=3),
)
def test_the_index_is_finite_symmetric_and_never_negative(counts, other_counts):
    first, second = (np.array(values) / max(sum(values), 1) for values in (counts, other_counts))
    assert psi(first, second) >= 0
    assert np.isfinite(psi(first, second))
    assert np.isclose(psi(first, second), psi(second, first))
