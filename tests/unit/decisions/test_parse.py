import time
from functools import partial
from types import SimpleNamespace

import orjson
import pytest
from aiokafka import ConsumerRecord

from fraud_app.contracts import card_data, masked_header
from fraud_app.decisions.parse import (
    EARLIEST_MS,
    REROUTED,
    Invalid,
    Misrouted,
    Record,
    ScoringInput,
    parse,
    record_of,
    reroute_header,
    with_possible_time,
)
from fraud_app.kafka.partitioner import partition_of
from tables.origins import Origin
from tests.support.builders import NOW_MS, payload

PARTITIONS = 4


def parsed(value, partition=None, timestamp_ms=NOW_MS, **fields):
    """A message parsed; `partition`: the user's own when it is not given."""
    raw = orjson.dumps(value) if isinstance(value, dict) else value
    partition = partition_of("u1", PARTITIONS) if partition is None else partition
    record = Record(partition, 7, b"u1", raw, timestamp_ms, **fields)
    return parse(record, partial(partition_of, partitions=PARTITIONS))


def test_a_valid_transaction_is_scored_at_its_ingest_time():
    result = parsed(payload(occurred_at="2026-01-01T00:00:00Z"))
    assert isinstance(result, ScoringInput)
    assert result.event.received_ms == NOW_MS


@pytest.mark.parametrize("kind", [0, 1])
def test_only_a_time_that_the_broker_has_set_is_taken_as_it_is(kind):
    message = ConsumerRecord("raw", 0, 7, 5, kind, b"k", b"v", None, 1, 1, (("h", None),))
    assert record_of(message) == Record(0, 7, b"k", b"v", 5, timed_by_broker=kind == 1)


@pytest.mark.parametrize("timestamp_ms", [-(2**63), -1, 0, 946_684_799_999, 2**63 - 1])
def test_an_impossible_time_of_a_producer_becomes_now(timestamp_ms):
    before_ms = time.time_ns() // 1_000_000
    result = parsed(payload(), timestamp_ms=timestamp_ms, timed_by_broker=False)
    assert isinstance(result, ScoringInput)
    assert before_ms <= result.event.received_ms == result.record.timestamp_ms


@pytest.mark.parametrize(
    ("timestamp_ms", "used"),
    [
        (EARLIEST_MS, EARLIEST_MS),
        (NOW_MS + 300_000, NOW_MS + 300_000),
        (NOW_MS + 300_001, NOW_MS),
        (EARLIEST_MS - 1, NOW_MS),
    ],
)
def test_a_possible_time_of_a_producer_is_kept(timestamp_ms, used):
    record = Record(0, 0, None, None, timestamp_ms)
    assert with_possible_time(record, NOW_MS).timestamp_ms == used


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
        (payload(metadata={"card": "4111 1111 1111 1111"}), None),
        (payload(cvv="123"), None),
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


def test_the_detail_of_an_invalid_record_names_the_field():
    for fields, start in (
        ({"amount": "1.001"}, "/amount: "),
        ({"user_id": ""}, "/user_id: "),
        ({"currency": "XXX"}, "/currency: "),
    ):
        result = parsed(payload(**fields))
        assert isinstance(result, Invalid)
        assert result.detail.startswith(start)


def test_the_detail_of_an_invalid_record_never_repeats_a_card_number():
    result = parsed(payload(amount="4111111111111111"))
    assert isinstance(result, Invalid)
    assert "4111" not in result.detail
    assert "amount" in result.detail


def message(headers):
    return SimpleNamespace(
        partition=2,
        offset=7,
        key=None,
        value=b"{}",
        timestamp=NOW_MS,
        timestamp_type=1,
        headers=headers,
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


def test_what_was_masked_before_it_was_written_is_still_said():
    [(_, header)] = masked_header.headers_of([card_data.Finding("/note", card_data.NUMBER)])
    result = parsed(payload(ip="nowhere"), masked=header)
    assert [warning.field for warning in result.warnings] == ["/note", "/ip"]


@pytest.mark.parametrize(("value", "masked"), [(b"[]", b"[]"), (None, b"")])
def test_a_header_of_a_record_says_what_was_masked(value, masked):
    header = reroute_header(record_of(message([])))
    record = record_of(message([("other", b"x"), (masked_header.NAME, value), header]))
    assert record.masked == masked
    assert record.origin == Origin(2, 7)


def test_a_user_whose_id_is_a_card_number_belongs_where_the_masked_id_does():
    result = parsed(payload(user_id="4111111111111111", note="4111111111111111"), 0)
    masked = "411111******1111"
    assert (result.user_id, result.partition) == (masked, partition_of(masked, PARTITIONS))
    assert b"4111111" not in result.record.value
    again = parsed(result.record.value, result.partition, masked=result.record.masked)
    assert again.transaction.user_id == masked
    assert {warning.field for warning in again.warnings} == {"/user_id", "/note"}
