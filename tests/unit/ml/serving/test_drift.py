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


def of(columns):
    return {one.feature: one for one in drift_of(bins_of(USUAL), columns)}


def test_the_same_kind_of_traffic_has_not_drifted():
    again = np.random.default_rng(3)
    found = of(
        {"amount": again.lognormal(3, 1, 5000), "flag": (again.random(5000) < 0.2).astype(float)}
    )
    assert all(one.psi < WATCH / 2 for one in found.values())


def test_dearer_and_other_traffic_is_noticed():
    found = of({"amount": USUAL["amount"] * 3, "flag": 1 - USUAL["flag"]})
    assert found["amount"].psi > ACT
    assert found["flag"].psi > ACT


def test_what_goes_missing_is_told_beside_the_index():
    half = USUAL["amount"].copy()
    half[::2] = np.nan
    found = of({"amount": half, "speed": np.full(100, np.nan)})
    assert (found["amount"].missing, found["amount"].reference_missing) == (0.5, 0.0)
    assert found["amount"].psi < WATCH / 2
    assert (found["speed"].psi, found["speed"].missing, found["speed"].reference_missing) == (
        0.0,
        1.0,
        1.0,
    )


@given(
    st.lists(st.integers(0, 100), min_size=3, max_size=3),
    st.lists(st.integers(0, 100), min_size=3, max_size=3),
)
def test_the_index_is_finite_symmetric_and_never_negative(one, other):
    first, second = (np.array(counts) / max(sum(counts), 1) for counts in (one, other))
    assert psi(first, second) >= 0
    assert np.isfinite(psi(first, second))
    assert np.isclose(psi(first, second), psi(second, first))
