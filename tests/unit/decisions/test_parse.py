from functools import partial
from types import SimpleNamespace

import orjson
import pytest

from fraud_app.decisions.parse import (
    REROUTED,
    Invalid,
    Misrouted,
    Record,
    ScoringInput,
    parse,
    record_of,
    reroute_header,
)
from fraud_app.kafka.partitioner import partition_of
from tables.origins import Origin
from tests.support.builders import NOW_MS, payload

PARTITIONS = 4


def parsed(value, partition=None, **fields):
    """A message parsed; `partition`: the user's own when it is not given."""
    raw = orjson.dumps(value) if isinstance(value, dict) else value
    partition = partition_of("u1", PARTITIONS) if partition is None else partition
    record = Record(partition, 7, b"u1", raw, NOW_MS, **fields)
    return parse(record, partial(partition_of, partitions=PARTITIONS))


def test_a_valid_transaction_is_scored_at_its_ingest_time():
    result = parsed(payload(occurred_at="2026-01-01T00:00:00Z"))
    assert isinstance(result, ScoringInput)
    assert result.event.received_ms == NOW_MS


def test_users_belong_to_the_partitions_of_kafkas_default_partitioner():
    # From the Java client: Utils.toPositive(Utils.murmur2(key)) % 4
    assert [partition_of(user, 4) for user in ("u1", "u2", "u3", "user-42")] == [
        partition_of(user, 8) % 4 for user in ("u1", "u2", "u3", "user-42")
    ]
    assert len({partition_of(f"u{number}", 4) for number in range(50)}) == 4


def test_a_misrouted_transaction_is_sent_to_its_users_partition_once():
    elsewhere = (partition_of("u1", PARTITIONS) + 1) % PARTITIONS
    first = parsed(payload(), elsewhere)
    assert isinstance(first, Misrouted)
    assert first.partition == partition_of("u1", PARTITIONS)
    again = parsed(payload(), elsewhere, rerouted=True)
    assert isinstance(again, Invalid)
    assert again.code == "partition_mismatch"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "empty"),
        (None, "empty"),
        (b"{", "malformed"),
        (b"\xff\xfe{}", "malformed"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b"[" * 10_000, "malformed"),
        (b'{"metadata":' * 500 + b"1" + b"}" * 500, "malformed"),
        (b"x" * 70_000, "too_large"),
        (payload(amount="NaN"), "invalid"),
        (payload(amount="-1"), "invalid"),
        (payload(amount="1e999"), "invalid"),
        (payload(amount="1.001"), "invalid"),
        (payload(currency="XXX"), "invalid"),
        (payload(user_id="__faust\u0000offset__"), "invalid"),
        (payload(user_id="a\nb"), "invalid"),
        (payload(metadata={"card": "4111 1111 1111 1111"}), "invalid"),
        (payload(cvv="123"), "invalid"),
        (payload(__faust={"ns": "x"}), None),
    ],
)
def test_every_message_is_a_transaction_or_invalid_with_a_code(value, code):
    result = parsed(value)
    if code is None:
        assert isinstance(result, ScoringInput)
    else:
        assert isinstance(result, Invalid)
        assert result.code == code


def test_the_detail_of_an_invalid_record_never_repeats_a_card_number():
    result = parsed(payload(metadata={"note": "card 4111111111111111"}))
    assert isinstance(result, Invalid)
    assert "4111" not in result.detail
    assert "note" in result.detail


def message(headers):
    return SimpleNamespace(
        partition=2, offset=7, key=None, value=b"{}", timestamp=NOW_MS, headers=headers
    )


def test_a_rerouted_record_says_where_it_was_read_first():
    header = reroute_header(record_of(message([])))
    again = record_of(message([("other", None), header]))
    assert again.rerouted
    assert again.origin == Origin(2, 7)


@pytest.mark.parametrize(
    "value", [b"1", b"", None, b"-1:3", b"99999:1", b"1:999999999999999", b"1:2:3", b"\xff"]
)
def test_a_header_that_says_no_place_is_a_rerouted_record_without_origin(value):
    record = record_of(message([(REROUTED, value)]))
    assert record.rerouted
    assert record.origin is None
