import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.features import CATALOGUE, NAMES, SHARED, compute
from ml.profile.event import LATEST_SKEW_MS, Signals
from ml.profile.update import EMPTY, update
from ml.profile.windows import DAY_MS, HOUR_MS
from tests.support.builders import NOW_MS, event


def features(*events, shared=Signals()):
    """The features of the last event after the earlier ones."""
    profile = EMPTY
    for earlier in events[:-1]:
        profile = update(profile, earlier)
    row = compute([(profile, events[-1], shared)])[0]
    return dict(zip(NAMES, row.tolist(), strict=True))


def test_every_feature_has_a_column_a_unit_and_a_meaning():
    assert len(set(NAMES)) == len(NAMES) == compute([(EMPTY, event(), Signals())]).shape[1]
    assert all(feature.unit and feature.meaning and feature.phrase for feature in CATALOGUE)
    assert {CATALOGUE[column].name for column in SHARED} == {
        "device_users_7d",
        "ip_users_7d",
        "card_users_7d",
        "merchant_rate",
    }


def test_what_cannot_be_known_about_a_new_user_is_missing():
    row = features(event())
    for name in (
        "amount_to_max",
        "amount_robust_z",
        "km_from_last",
        "device_is_new",
        "seconds_since_last",
        "hour_habit",
    ):
        assert math.isnan(row[name]), name
    assert row["tx_count_24h"] == 0


def test_velocity_counts_transactions_before_this_one():
    row = features(
        *(event(NOW_MS - seconds * 1000, amount="10") for seconds in (7200, 1800, 300, 30)),
        event(NOW_MS),
    )
    assert (
        row["tx_count_1m"],
        row["tx_count_10m"],
        row["tx_count_1h"],
        row["tx_count_24h"],
    ) == (1, 2, 3, 4)
    assert row["amount_sum_24h"] == 40.0


def test_an_amount_is_compared_with_the_users_own():
    row = features(
        *(event(amount=amount) for amount in ("10", "20", "30", "100")), event(amount="200")
    )
    assert row["amount_to_max"] == 2.0
    assert row["amount_to_median"] == 8.0
    assert row["amount_robust_z"] > 5


def test_amounts_of_all_currencies_are_in_euro():
    assert features(event(amount="100", currency="GBP"))["amount"] == pytest.approx(117.0)


def in_krona(at_ms=NOW_MS, **fields):
    """An event of a currency that has no rate to the euro."""
    return event(at_ms, amount="500", currency="ISK", **fields)


def test_an_amount_without_a_rate_is_missing_in_every_feature_and_still_counted():
    row = features(event(NOW_MS - 2000, amount="10"), in_krona(NOW_MS - 1000), in_krona(NOW_MS))
    missing = {name for name, value in row.items() if math.isnan(value)}
    amounts = {feature.name for feature in CATALOGUE if feature.group == "amount"}
    assert amounts | {"amount_to_smallest_1h"} <= missing
    assert (row["tx_count_1h"], row["amount_sum_1h"]) == (2, 10.0)


@given(st.lists(st.decimals("0.01", "9999", places=2), max_size=40), st.data())
def test_amounts_without_a_rate_change_no_comparison_of_the_others(amounts, data):
    """Nor sums nor extremes: as if only the counts knew of them."""
    known = [event(NOW_MS + at, amount=str(amount)) for at, amount in enumerate(amounts)]
    latest = event(NOW_MS + 1000, amount="70")
    mixed = list(known)
    for _ in range(data.draw(st.integers(0, 32 - min(len(known), 32)))):
        mixed.insert(data.draw(st.integers(0, len(mixed))), in_krona())
    with_them, without = features(*mixed, latest), features(*known, latest)
    for name in NAMES:
        if name.startswith("amount") and not (math.isnan(without[name])):
            assert with_them[name] == without[name], name
    assert with_them["tx_count_7d"] == len(mixed)


def test_impossible_travel_has_an_impossible_speed():
    berlin = event(NOW_MS - HOUR_MS)
    row = features(berlin, event(NOW_MS, latitude=-6.2, longitude=106.8, country="ID"))
    assert row["km_from_last"] == pytest.approx(10_800, rel=0.02)
    assert row["travel_speed"] == pytest.approx(row["km_from_last"], rel=1e-6)
    assert row["country_is_new"] == 1
    assert row["card_country_differs"] == 1


def test_a_second_device_is_new_and_a_known_one_has_an_age():
    assert features(event(NOW_MS - DAY_MS), event(NOW_MS, device_id="d2"))["device_is_new"] == 1
    row = features(event(NOW_MS - 2 * DAY_MS), event(NOW_MS))
    assert (row["device_is_new"], row["device_age_days"]) == (0, 2.0)


def test_card_testing_shows_in_declines_and_in_the_jump_of_the_amount():
    tries = [
        event(NOW_MS - n * 60_000, amount="1.00", issuer_response="declined") for n in (5, 4, 3)
    ]
    row = features(*tries, event(NOW_MS, amount="300"))
    assert row["declines_1h"] == 3
    assert row["amount_to_smallest_1h"] == 300


def test_a_client_cannot_leave_a_window_by_its_clock():
    """Windows use ingest time; the client's clock shows only as skew."""
    backdated = event(NOW_MS, occurred_at="2020-01-01T00:00:00Z")
    row = features(event(NOW_MS - 1000), backdated)
    assert row["tx_count_1m"] == 1
    assert row["clock_skew"] < -1e6
    assert backdated.occurred_ms == NOW_MS - DAY_MS
    assert event(NOW_MS, occurred_at="2090-01-01T00:00:00Z").occurred_ms == NOW_MS + LATEST_SKEW_MS


@given(
    st.lists(
        st.tuples(st.integers(0, 10 * DAY_MS), st.decimals("0.01", "99999", places=2)),
        min_size=1,
        max_size=60,
    )
)
def test_features_are_finite_or_missing(history):
    row = features(*(event(NOW_MS + at, amount=str(amount)) for at, amount in history))
    assert not any(math.isinf(value) for value in row.values())
