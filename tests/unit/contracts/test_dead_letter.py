"""What can be kept of a record that could not be processed."""

from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fraud_app.contracts.dead_letter import HEADERS, MAX_DETAIL_BYTES, MAX_KEPT_BYTES, DeadLetter


def letter(**fields):
    defaults = {
        "topic": "transactions.raw",
        "partition": 2,
        "offset": 17,
        "timestamp_ms": 1_764_000_000_000,
        "key": b"u1",
        "value": b"{",
        "code": "malformed",
        "detail": "not JSON",
    }
    return DeadLetter(**defaults | fields)


def test_the_original_bytes_go_with_the_reason_in_headers():
    key, value, headers = letter().message("1.2.3")
    assert (key, value) == (b"u1", b"{")
    assert dict(headers) == {
        "dlq_original_topic": b"transactions.raw",
        "dlq_original_partition": b"2",
        "dlq_original_offset": b"17",
        "dlq_original_timestamp": b"1764000000000",
        "dlq_error_code": b"malformed",
        "dlq_error_message": b"not JSON",
        "dlq_attempts": b"1",
        "dlq_app_version": b"1.2.3",
    }


def test_card_data_is_masked_and_the_letter_says_so():
    key, value, headers = letter(key=b"4111111111111111", value=b'{"cvv": "737"}').message("1")
    assert b"737" not in value
    assert key == b"************1111"
    assert dict(headers)["dlq_masked"] == b"1"


def test_a_record_without_key_and_value_is_kept_as_that():
    assert letter(key=None, value=None).message("1")[:2] == (None, None)


@pytest.mark.parametrize("detail", ["ä" * 5000, "a" + "ä" * 5000, "€" * 5000, "\ud800" * 5000])
def test_a_long_detail_is_cut_between_two_characters(detail):
    headers = dict(letter(detail=detail).message("1")[2])
    assert MAX_DETAIL_BYTES - 4 < len(headers["dlq_error_message"]) <= MAX_DETAIL_BYTES
    headers["dlq_error_message"].decode()


def test_what_the_broker_would_not_take_is_cut_and_can_still_be_told_apart():
    value = b"x" * 1_000_001
    key, kept, headers = letter(value=value, attempts=2).message("1")
    assert len(key + kept) == MAX_KEPT_BYTES
    assert dict(headers)["dlq_original_length"] == b"1000003"
    assert dict(headers)["dlq_original_sha256"] == sha256(b"u1" + value).hexdigest().encode()
    assert dict(headers)["dlq_attempts"] == b"2"


def test_every_header_is_in_the_published_list():
    longest = b'{"cvv": "737"}'.ljust(MAX_KEPT_BYTES + 1)
    _, _, headers = letter(value=longest).message("1")
    assert {name for name, _ in headers} == set(HEADERS)


GROWING = [b"[" + b"1e15," * 50_000 + b'{"cvv": "737"}]', b"cvv=1," * 43_000]
"""What masking makes longer: numbers are written anew, and stars take the place of one digit."""


@pytest.mark.parametrize("value", GROWING, ids=["numbers written anew", "many security codes"])
def test_what_masking_makes_too_long_is_cut_after_it(value):
    key, kept, headers = letter(value=value).message("1")
    assert len(key + kept) <= MAX_KEPT_BYTES
    assert dict(headers)["dlq_original_length"] == b"%d" % len(b"u1" + value)
    assert dict(headers)["dlq_masked"] == b"1"


def test_a_card_number_where_a_value_is_cut_is_not_kept_in_part():
    start = b"x" * (MAX_KEPT_BYTES - len(b"u1") - 15)
    _, kept, _ = letter(value=start + b"4111 1111 1111 1111 and more").message("1")
    assert kept == start


def test_a_long_key_leaves_room_for_the_value():
    key, value, headers = letter(key=b"k" * 900_000, value=b'{"a": "b"}').message("1")
    assert len(key) == MAX_KEPT_BYTES // 4
    assert value == b'{"a": "b"}'
    assert dict(headers)["dlq_original_length"] == b"900010"


def test_bytes_that_are_no_text_are_kept_as_they_are():
    value = bytes(range(256)) * 4
    assert letter(value=value).message("1")[1] == value


@settings(deadline=None)  # the example is large
@given(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300), st.text())
@example(b"\xff" * 70_000, b"4111 1111 " * 60_000, "\ud800" * 2000)
def test_every_record_has_a_dead_letter_that_the_broker_takes(key, value, detail):
    key_kept, kept, headers = letter(key=key, value=value, detail=detail).message("1")
    names_and_values = sum(len(name) + len(content) for name, content in headers)
    assert len(key_kept or b"") + len(kept or b"") + names_and_values < 300_000
    assert (key_kept is None) == (key is None)
    assert dict(headers)["dlq_original_partition"] == b"2"
    assert dict(headers)["dlq_original_offset"] == b"17"
    assert dict(headers)["dlq_original_topic"] == b"transactions.raw"
