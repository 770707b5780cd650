"""What can be kept of a record that could not be processed."""

from hashlib import sha256

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


def test_a_long_detail_is_cut():
    headers = dict(letter(detail="ä" * 5000).message("1")[2])
    assert len(headers["dlq_error_message"]) == MAX_DETAIL_BYTES


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
