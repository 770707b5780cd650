"""What HTTP accepts, the stream accepts: as the same transaction, with the same warnings. What the
stream would refuse is refused before the 202, and the field is named.
"""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import from_json

from fraud_app.contracts import masked_header
from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions.parse import MAX_BYTES, Invalid, Record, parse
from fraud_app.kafka.partitioner import partition_of
from tests.support.builders import NOW_MS
from web.api.transaction_body import posted_transaction
from web.http.problem import Problem

GOOD = {
    "transaction_id": "t1",
    "user_id": "u1",
    "amount": "12.90",
    "currency": "EUR",
    "merchant_id": "m1",
    "occurred_at": "2026-11-24T09:30:00Z",
}


def by_http(body):
    """The transaction and its warnings, or the problem; and the record that is published."""
    body = from_json(json.dumps(body), allow_inf_nan=False)  # as `json_object` reads it
    try:
        return posted_transaction(body)
    except Problem as problem:
        return problem, None


def by_stream(value, headers=()):
    """The transaction and its warnings, or why not."""
    masked = dict(headers).get(masked_header.NAME, b"")
    record = Record(0, 0, None, value, NOW_MS, masked=masked)
    parsed = parse(record, partial(partition_of, partitions=1))
    return parsed if isinstance(parsed, Invalid) else (parsed.transaction, parsed.warnings)


def same_by_both(body):
    """Assert that both ways judge alike, whoever wrote the JSON, and return what HTTP said."""
    posted = by_http(body)
    read, value = posted
    # As short as ours: the size counts, too.
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    from_elsewhere = by_stream(text.encode())
    if value is None:
        assert isinstance(from_elsewhere, Invalid), (read.detail, body)
    else:
        _, value, headers = posted.message()
        assert by_stream(value, headers) == from_elsewhere == tuple(read)
    return read


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*Transaction.model_fields, "unknown"])
LIKELY = st.one_of(
    st.sampled_from(
        [
            "EUR", "eur", "JPY", "XXX", "bhd", "UK", "de", "t1", "203.0.113.9:443",
            "::ffff:1.2.3.4", "1e-1000100", "1E+400", "-0", "0", "+5", " 5 ", "0x10", "1_000",
            "\u0661", "NaN", "Infinity", "10000000000.01", "12.345", "card", "crypto",
            "declined", "a\u0000b", "9999-12-31T23:59:59-12:00", "2026-11-24", "a" * 128, "a" * 129,
            "\u202e", "\u200b", "",
        ]
    ),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    JSON,
)  # fmt: skip


@given(st.dictionaries(FIELDS, LIKELY, max_size=4), st.sets(st.sampled_from([*GOOD]), max_size=1))
@example({"amount": 0.1 + 0.2}, set())
@example({"amount": 1e-7}, set())
@example({"amount": 9999999999.999999}, set())
@example({"amount": True}, set())
@example({"occurred_at": 1e18}, set())
@example({"occurred_at": True}, set())
@example({"metadata": {"n": 2**64, "f": 1e15, "e": 1e-320}}, set())
@example({"latitude": "52", "longitude": True}, set())
@example({"transaction_id": 7}, set())
@example({"user_id": None}, set())
@example({"payment_method": "36064808776107.8016"}, set())
@example({"metadata": {"note": "4111 1111 1111 1111"}}, set())
def test_http_and_the_stream_judge_alike(fields, missing):
    # A missing id or time is filled in by HTTP; that is another test.
    body = {name: value for name, value in {**GOOD, **fields}.items() if name not in missing}
    if body.get("transaction_id") is None or body.get("occurred_at") is None:
        return
    same_by_both(body)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"amount": "1e-1000100"}, "/amount"),
        ({"amount": "-0.01"}, "/amount"),
        ({"amount": 10**11}, "/amount"),
        ({"amount": "10000000000.01"}, "/amount"),
        ({"amount": True}, "/amount"),
        ({"amount": {"value": "1"}}, "/amount"),
        ({"amount": "\u0661\u0662,5"}, "/amount"),
        ({"currency": "EURO"}, "/currency"),
        ({"currency": 978}, "/currency"),
        ({"currency": "E\u0000R"}, "/currency"),
        ({"user_id": "a\u0000b"}, "/user_id"),
        ({"user_id": "a" * 129}, "/user_id"),
        ({"user_id": "a\u202eb"}, "/user_id"),
        ({"user_id": ""}, "/user_id"),
        ({"user_id": 7}, "/user_id"),
        ({"merchant_id": "a\nb"}, "/merchant_id"),
        ({"merchant_id": None}, "/merchant_id"),
        ({"transaction_id": ["t"]}, "/transaction_id"),
        ({"transaction_id": "\u2028"}, "/transaction_id"),
    ],
)
def test_what_the_stream_would_refuse_is_refused_with_the_name_of_the_field(fields, pointer):
    refused = same_by_both({**GOOD, **fields})
    assert refused.status == 422
    assert [error["pointer"] for error in refused.errors] == [pointer]


@pytest.mark.parametrize(
    "note",
    [
        "x" * MAX_BYTES,
        "\u00e4" * (MAX_BYTES // 2),
        [1e15] * 4000,
        ["\u007f"] * 20_000,
        {str(number): number for number in range(6000)},
    ],
    ids=["long", "two bytes a letter", "numbers that grow", "many items", "many names"],
)
def test_what_is_too_large_when_it_is_written_anew_is_refused_with_the_name_of_the_field(note):
    body = {**GOOD, "metadata": {"note": note}}
    refused, value = by_http(body)
    assert value is None
    assert refused.status == 413
    assert [error["pointer"] for error in refused.errors] == ["/metadata"]


@pytest.mark.parametrize("field", ["latitude", "ip", "country", "occurred_at"])
def test_a_number_that_no_float_holds_is_published_as_valid_json_and_costs_nothing(field):
    text = json.dumps({**GOOD, field: 7, "metadata": {"x": 7}}).replace("7", "1e400")
    (transaction, warnings), value = posted_transaction(from_json(text))
    assert b"Infinity}" not in value
    assert transaction.metadata == {"x": "Infinity"}
    assert [warning.field for warning in warnings] == [f"/{field}"]
    assert by_stream(value) == (transaction, warnings)


def test_the_largest_record_that_http_publishes_is_one_that_the_stream_reads():
    body: dict[str, Any] = {**GOOD, "metadata": {"note": ""}}
    _, value = by_http(body)
    body["metadata"]["note"] = "x" * (MAX_BYTES - len(value))
    read, largest = by_http(body)
    assert len(largest) == MAX_BYTES
    assert by_stream(largest) == tuple(read)
    body["metadata"]["note"] += "x"
    assert by_http(body)[0].status == 413


@given(st.text(max_size=130))
def test_an_idempotency_key_that_is_no_id_is_refused_and_any_other_is_the_id(key):
    body = {name: value for name, value in GOOD.items() if name != "transaction_id"}
    try:
        read, value = posted_transaction(body, key)
    except Problem as problem:
        refused = problem
    else:
        assert by_stream(value) == tuple(read)
        return
    assert [error["pointer"] for error in refused.errors] == ["/transaction_id"]
