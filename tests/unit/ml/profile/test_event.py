"""A transaction reduced to what is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.profile.event import country_number, event_of, hash32, hash64
from tests.support.builders import NOW_MS, transaction

DAY_MS = 86_400_000


def occurring(iso):
    return event_of(transaction(occurred_at=iso), NOW_MS)


@pytest.mark.parametrize(
    ("occurred_at", "clamped_ms"),
    [
        ("2025-11-24T15:59:59.500Z", NOW_MS - 500),
        ("2020-01-01T00:00:00Z", NOW_MS - DAY_MS),
        ("2030-01-01T00:00:00Z", NOW_MS + 300_000),
    ],
)
def test_the_clients_clock_is_clamped_and_its_error_is_kept(occurred_at, clamped_ms):
    event = occurring(occurred_at)
    assert event.occurred_ms == clamped_ms
    assert (event.clock_skew_s < 0) == (occurred_at < "2025-11-24T16:00:00Z")


def test_what_is_missing_is_zero_or_not_a_number():
    event = event_of(
        transaction(device_id=None, ip=None, country=None, latitude=None, payment_method={}), NOW_MS
    )
    hashes = (event.device, event.ip, event.country, event.card, event.card_country)
    assert hashes == (0, 0, 0, 0, 0)
    assert event.latitude != event.latitude


def test_a_retry_has_the_same_body_and_another_amount_has_not():
    first = event_of(transaction(amount="20.00", metadata={"try": 1}), NOW_MS)
    again = event_of(transaction(amount="20", metadata={"try": 2}), NOW_MS + 5000)
    other = event_of(transaction(amount="20.01"), NOW_MS)
    assert first.body_hash == again.body_hash != other.body_hash


@given(st.text(min_size=1))
def test_a_text_never_hashes_to_missing(text):
    assert 0 < hash32(text) <= 0xFFFFFFFF
    assert 0 <= hash64(text) < 2**64


def test_missing_hashes_to_zero():
    assert (hash32(None), hash32(""), country_number(None)) == (0, 0, 0)
    assert country_number("DE") == 0x4445
