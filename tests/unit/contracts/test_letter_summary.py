"""What may be shown and stored of a dead letter, whoever wrote it."""

import json
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from fraud_app.contracts.dead_letter import MAX_KEPT_BYTES, DeadLetter
from fraud_app.contracts.letter_summary import PREVIEW, masked_start, summary_of
from tests.support.builders import NOW_MS

CARD = "4111111111111111"


def summary(value, headers=(), offset=5, timestamp_ms=NOW_MS):
    return summary_of(offset, timestamp_ms, value, headers)


def letter(value, **fields):
    defaults = {
        "topic": "transactions.raw",
        "partition": 2,
        "offset": 17,
        "timestamp_ms": NOW_MS,
        "key": b"u1",
        "code": "invalid",
        "detail": "/amount: Field required",
    }
    return DeadLetter(value=value, **defaults | fields)


def kept(value, **fields):
    """The summary of a letter that we wrote ourselves."""
    _, kept_value, headers = letter(value, **fields).message("1.2.3")
    return summary(kept_value, headers)


def test_a_letter_of_ours_is_read_back_completely():
    value = b'{"transaction_id": "t-1", "user_id": "u-1"}'
    found = kept(value, attempts=2)
    assert found._asdict() == {
        "offset": 5,
        "at": datetime(2025, 11, 24, 16, tzinfo=UTC),
        "code": "invalid",
        "detail": "/amount: Field required",
        "topic": "transactions.raw",
        "original_partition": 2,
        "original_offset": 17,
        "original_at": datetime(2025, 11, 24, 16, tzinfo=UTC),
        "attempts": 2,
        "masked": False,
        "size": len(value),
        "original_length": None,
        "original_sha256": None,
        "transaction_id": "t-1",
        "user_id": "u-1",
        "preview": value.decode(),
    }


def test_a_cut_letter_says_how_long_the_record_was_and_keeps_its_ids():
    value = json.dumps({"transaction_id": "t-1", "user_id": "u-1", "note": "x" * 600_000}).encode()
    found = kept(value)
    assert found.original_length == len(value) + len("u1")
    assert len(found.original_sha256) == 64
    assert (found.transaction_id, found.user_id) == ("t-1", "u-1")
    assert found.size <= MAX_KEPT_BYTES


def test_ids_are_found_in_what_is_no_json():
    found = summary(b'{"transaction_id": "t-1", broken, "user_id" : "u 1", ')
    assert (found.transaction_id, found.user_id) == ("t-1", "u 1")


def test_ids_of_the_wrong_kind_are_none():
    for value in (b'{"transaction_id": 7, "user_id": null}', b"[]", b'"text"', b"", None):
        found = summary(value)
        assert (found.transaction_id, found.user_id) == (None, None)


def test_a_message_without_our_headers_is_described_as_far_as_it_can_be():
    found = summary(b"hello", [("trace", b"\xff"), ("empty", None)])
    assert (found.code, found.topic, found.original_offset) == ("unknown", "", None)
    assert found.attempts == 1


def test_numbers_that_no_column_holds_are_missing():
    found = summary(b"", [("dlq_original_offset", b"9" * 40), ("dlq_original_partition", b"-1")])
    assert (found.original_offset, found.original_partition) == (None, None)


def test_a_time_that_no_calendar_has_is_the_nearest_one():
    assert summary(b"", timestamp_ms=-1).at == datetime(1970, 1, 1, tzinfo=UTC)
    assert summary(b"", timestamp_ms=2**63 - 1).at.year == 9999


def test_card_data_of_a_stranger_is_shown_nowhere():
    value = json.dumps({"transaction_id": CARD, "cvv": "737", "note": f"paid with {CARD}"}).encode()
    found = summary(value, [("dlq_error_message", f"bad {CARD}".encode())])
    assert CARD not in str(found)
    assert "737" not in found.preview


def test_a_card_number_at_the_end_of_what_is_shown_is_not_shown_in_part():
    value = b"x" * (PREVIEW - 12) + CARD.encode() + b" paid"
    assert "4111" not in summary(value).preview
    spaced = b"x" * (PREVIEW - 30) + " ".join(CARD).encode() + b" paid"
    assert "4" not in summary(spaced).preview


def test_nothing_that_a_terminal_or_a_page_would_act_on_is_left():
    text = masked_start("\x1b[31mred\x00 \u202etxt\x07 \ud7ff\n".encode(), 100)
    assert not {"\x1b", "\x00", "\u202e", "\x07"} & set(text)
    assert text.endswith("\n")


NAMES = st.sampled_from(
    ["dlq_error_code", "dlq_original_offset", "dlq_original_timestamp", "dlq_attempts", "other"]
)
VALUES = st.one_of(
    st.binary(max_size=600),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["transaction_id", "user_id"]), st.text()).map(
        lambda fields: json.dumps(fields).encode()
    ),
)


@given(VALUES, st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=80))), st.integers())
@example(b"[" * 5000, [], 0)
@example(b'{"transaction_id": "\\ud800"}', [], 0)
@example(b'{"a":' * 3000, [("dlq_original_offset", "\u0663".encode())], 0)
def test_whatever_is_in_the_topic_can_be_described_and_stored(value, headers, timestamp_ms):
    found = summary(value, headers, timestamp_ms=timestamp_ms)
    for text in found:
        if isinstance(text, str):
            assert "\x00" not in text
            text.encode()  # no lone surrogate: PostgreSQL takes none
    assert len(found.transaction_id or "") <= 128
    assert 0 <= found.attempts < 2**63
