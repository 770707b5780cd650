"""Only the required fields can cost a transaction its decision."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fraud_app.contracts import card_data
from fraud_app.contracts.reading import REQUIRED, place_of, read_json
from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import MAX_METADATA, Transaction
from tests.support.builders import payload

OPTIONAL = sorted(set(Transaction.model_fields) - REQUIRED)


def read(fields):
    """What is read of these fields, sent as JSON; NaN is sent as Python's json writes it."""
    return read_json(json.dumps(fields).encode())


def least(**fields):
    """The required fields and these."""
    sent = payload(transaction_id="t-1")
    return {name: value for name, value in sent.items() if name in REQUIRED} | fields


def nested(levels, value=1):
    """A value in so many arrays."""
    for _ in range(levels):
        value = [value]
    return value


def test_a_correct_transaction_has_no_warnings():
    assert read(payload()).warnings == ()


def test_the_required_fields_are_enough():
    transaction, warnings = read(least())
    assert (transaction.occurred_at, transaction.ip, warnings) == (None, None, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("occurred_at", "9999-12-31T23:59:59-12:00"),
        ("occurred_at", "0001-01-01T00:00:00Z"),
        ("occurred_at", "2026-01-01T00:00:00"),
        ("occurred_at", "2026-02-30T00:00:00Z"),
        ("occurred_at", 1e300),
        ("occurred_at", 10**400),
        ("occurred_at", float("nan")),
        ("occurred_at", True),
        ("occurred_at", {"seconds": 1_764_000_000}),
        ("ip", "203.0.113.9.4"),
        ("ip", 3405803785),
        ("country", "Germany"),
        ("country", "DEU"),
        ("latitude", 91),
        ("latitude", float("nan")),
        ("longitude", "east"),
        ("longitude", float("-inf")),
        ("category", "crypto"),
        ("device_id", "a\u0000b"),
        ("device_id", "a\u061cb"),
        ("country", "XX"),
        ("country", "T1"),
        ("country", "EU"),
        ("country", "QQ"),
        ("country", "YU"),
        ("ip", ""),
        ("ip", "unknown"),
        ("issuer_response", "maybe"),
        ("payment_method", "card"),
        ("metadata", [1]),
    ],
)
def test_what_cannot_be_used_is_missing_and_said(field, value):
    transaction, (warning,) = read(least(**{field: value}))
    assert warning.field == f"/{field}"
    assert str(value) not in warning.problem or field in ("payment_method", "ip")
    assert getattr(transaction, field) == getattr(read(least()).transaction, field)


@pytest.mark.parametrize(
    ("field", "value", "as_read"),
    [
        ("ip", "::ffff:203.0.113.9", "203.0.113.9"),
        ("ip", "::FFFF:cb00:7109", "203.0.113.9"),
        ("ip", "203.0.113.9:443", "203.0.113.9"),
        ("ip", "[2001:DB8::1]:443", "2001:db8::1"),
        ("ip", "fe80::1%eth0", "fe80::1"),
        ("ip", " 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("country", "UK", "GB"),
        ("country", "el", "GR"),
        ("country", "xk", "XK"),
        ("currency", "eur", "EUR"),
        ("currency", "Jpy", "JPY"),
        ("amount", "0", 0),
        ("amount", "-0.0", 0),
        ("amount", -0.0, 0),
        ("amount", "0E+999999999", 0),
        ("amount", "0e-400", 0),
        ("user_id", "auth0|5f7", "auth0|5f7"),
        ("user_id", "a+b@example.org", "a+b@example.org"),
        ("user_id", "q/Zx+A==", "q/Zx+A=="),
        ("user_id", "Zoë 2", "Zoë 2"),
        ("user_id", "...", "..."),
        ("user_id", "💳" * 128, "💳" * 128),
    ],
)
def test_other_spellings_are_read_without_a_warning(field, value, as_read):
    transaction, warnings = read(least(**{field: value}))
    assert getattr(transaction, field) == as_read
    assert warnings == ()


@pytest.mark.parametrize("zero", ["-0.0", "0E+999999999", "0e-400", "0." + "0" * 40_000])
def test_a_zero_is_written_in_as_many_digits_as_the_currency_has(zero):
    assert str(read(least(amount=zero)).transaction.amount) == "0.00"


def test_zeros_beyond_the_minor_unit_are_not_kept():
    """PostgreSQL keeps 16,383 digits after the point."""
    assert str(read(least(amount="12.9" + "0" * 40_000)).transaction.amount) == "12.90"


@pytest.mark.parametrize("wrong", [{}, {"ip": "nowhere"}, {"metadata": {"a": nested(9)}}])
def test_the_noise_of_a_float_is_rounded_away_and_said(wrong):
    transaction, warnings = read(least(amount=0.1 + 0.2, **wrong))
    assert str(transaction.amount) == "0.30"
    assert InputWarning(field="/amount", problem="rounded to 0.30") in warnings


@pytest.mark.parametrize("amount", ["12.345", 12.345, "0.001", "1e-1000100", 1e-320])
@pytest.mark.parametrize("wrong", [{}, {"ip": "nowhere"}])
def test_real_digits_beyond_the_minor_unit_are_refused_at_the_amount(amount, wrong):
    with pytest.raises(ValidationError, match="digits after the point") as refused:
        read(least(amount=amount, **wrong))
    assert [place_of(error) for error in refused.value.errors()] == [("amount",)]


@pytest.mark.parametrize("wrong", [".", "..", "", "a\u200bb", "a" * 129])
@pytest.mark.parametrize("field", ["transaction_id", "user_id"])
def test_an_id_that_no_url_can_carry_is_refused(field, wrong):
    with pytest.raises(ValidationError) as refused:
        read(least(**{field: wrong}))
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_a_currency_without_a_rate_is_accepted_and_said():
    transaction, (warning,) = read(least(currency="ISK", amount="1200"))
    assert (transaction.currency, str(transaction.amount)) == ("ISK", "1200")
    assert warning.field == "/currency"


def test_no_place_is_missing_and_the_equator_is_a_place():
    for zero in (0, 0.0, -0.0, "0"):
        nowhere, (warning,) = read(least(latitude=zero, longitude=0.0))
        assert (nowhere.latitude, nowhere.longitude, warning.field) == (None, None, "/latitude")
    somewhere = read(least(latitude=0, longitude=9.45))
    assert (somewhere.transaction.latitude, somewhere.warnings) == (0, ())


def test_unknown_fields_are_kept_up_to_the_bound_and_the_rest_is_said():
    unknown = {f"field_{number:03}": number for number in range(MAX_METADATA)}
    assert read(least(**unknown)).transaction.metadata == unknown
    transaction, (warning,) = read(least(**unknown, metadata={"a": 1, "b": 2}))
    assert transaction.metadata == unknown
    assert (warning.field, warning.problem[:9]) == ("/metadata", "2 entries")


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"metadata": {"deep": nested(7), "a": 1}}, {"deep": nested(7), "a": 1}),
        ({"metadata": {"deep": nested(8), "a": 1}}, {"a": 1}),
        ({"metadata": {"deep": {"a": nested(150)}, "a": 1}}, {"a": 1}),
        ({"deep": nested(8), "a": 1}, {"deep": nested(8), "a": 1}),
        ({"deep": nested(9), "a": 1}, {"a": 1}),
    ],
)
def test_metadata_is_kept_to_eight_levels_and_the_rest_is_said(fields, kept):
    transaction, warnings = read(least(**fields))
    assert transaction.metadata == kept
    assert [one.field for one in warnings] == ([] if "deep" in kept else ["/metadata"])


def test_an_optional_field_that_is_nested_too_deep_is_missing():
    transaction, (warning,) = read(least(ip=nested(20), device_id="d"))
    assert (transaction.ip, transaction.device_id, warning.field) == (None, "d", "/ip")


def test_an_unknown_way_to_pay_and_its_fields_are_kept():
    method = {"type": "klarna", "fingerprint": "fp", "brand": "x", "terms": {"months": 3}}
    transaction, warnings = read(least(payment_method=method))
    assert transaction.payment_method.model_dump(exclude_none=True) == method
    assert warnings == ()


def test_of_a_nested_field_only_that_is_missing():
    method = {"type": 7, "fingerprint": "fp", "bin_country": "Germany"}
    transaction, warnings = read(least(payment_method=method))
    assert transaction.payment_method.fingerprint == "fp"
    assert transaction.payment_method.bin_country is None
    assert {warning.field for warning in warnings} == {
        "/payment_method/bin_country",
        "/payment_method/type",
    }


def test_a_number_that_json_cannot_express_is_kept_as_text():
    infinite = {"a": [float("nan"), 2**64], "b": float("-inf"), "c": 1.5}
    transaction, warnings = read(least(metadata=infinite, payment_method={"fee": float("inf")}))
    assert transaction.metadata == {"a": ["NaN", 2**64], "b": "-Infinity", "c": 1.5}
    assert transaction.payment_method.model_extra == {"fee": "Infinity"}
    assert warnings == ()
    beyond_a_double = b'{"metadata": {"a": 1e400}, ' + json.dumps(least()).encode()[1:]
    assert read_json(beyond_a_double).transaction.metadata == {"a": "Infinity"}


@pytest.mark.parametrize("field", OPTIONAL)
def test_null_is_absence(field):
    transaction, warnings = read(least(**{field: None}))
    assert transaction == read(least()).transaction
    assert warnings == ()


def test_an_unknown_field_is_kept_even_when_it_is_null():
    assert read(least(basket=None, category=None)).transaction.metadata == {"basket": None}


def test_null_is_absence_within_the_payment_method():
    method = {"type": None, "fingerprint": None, "bin_country": None}
    assert read(least(payment_method=method)) == read(least())


@pytest.mark.parametrize("wrong", [[], None, nested(20), "\u0000"])
@pytest.mark.parametrize("field", sorted(REQUIRED))
def test_a_wrong_required_field_is_named_even_beside_an_optional_one(field, wrong):
    with pytest.raises(ValidationError) as refused:
        read(least(**{field: wrong, "ip": "nowhere"}))
    assert (field,) in [error["loc"] for error in refused.value.errors()]


@pytest.mark.parametrize("field", ["ip", "metadata"])
def test_the_last_of_two_fields_with_one_name_counts(field):
    values = {"ip": ('"203.0.113.1"', '"203.0.113.2"'), "metadata": ('{"a": 1}', '{"b": 2}')}
    first, last = values[field]
    twice = json.dumps(least())[:-1] + f', "{field}": {first}, "{field}": {last}}}'
    transaction, warnings = read_json(twice.encode())
    assert getattr(transaction, field) == json.loads(last)
    assert warnings == ()


@pytest.mark.parametrize(
    ("fields", "pointer", "problem"),
    [
        ({"metadata": {"note": "4111 1111 1111 1111"}}, "/metadata/note", card_data.NUMBER),
        ({"note": 4111111111111111}, "/note", card_data.NUMBER),
        ({"user_id": "4111111111111111"}, "/user_id", card_data.NUMBER),
        ({"note": "cvv 737"}, "/note", card_data.CODE),
        ({"card": {"number": "x", "brand": "visa"}}, "/card/number", card_data.FIELD),
    ],
)
def test_card_data_is_masked_and_said_and_the_transaction_is_read(fields, pointer, problem):
    transaction, warnings = read(least(**fields))
    assert warnings == (InputWarning(field=pointer, problem=problem),)
    assert "4111 1111" not in transaction.model_dump_json()
    assert "411111111" not in transaction.model_dump_json()


def test_card_data_beside_other_faults_is_one_warning_more():
    transaction, warnings = read(
        least(ip="nowhere", latitude=0, longitude=0, amount=0.1 + 0.2, device_id=4111111111111111)
    )
    assert (transaction.ip, transaction.latitude, str(transaction.amount)) == (None, None, "0.30")
    assert {warning.field for warning in warnings} == {"/device_id", "/ip", "/latitude", "/amount"}


def test_card_data_in_a_required_field_that_is_wrong_then_is_an_error_of_that_field():
    with pytest.raises(ValidationError) as refused:
        read(least(amount="4111111111111111"))
    [error] = refused.value.errors(include_input=False)
    assert error["loc"] == ("amount",)
    assert "4111" not in error["msg"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(OPTIONAL) | st.text(max_size=8), json_values))
def test_whatever_an_optional_field_holds_the_transaction_is_read(fields):
    transaction, warnings = read(fields | least())
    assert transaction.user_id == "u1"
    others = [warning for warning in warnings if warning.problem not in card_data.KINDS]
    assert {warning.field.split("/")[1] for warning in others} <= {*OPTIONAL}
    assert read_json(transaction.model_dump_json().encode()).transaction == transaction


@pytest.mark.parametrize(
    ("fields", "place"), [({"amount": "1.005"}, ("amount",)), ({"user_id": ""}, ("user_id",))]
)
def test_an_error_names_the_field_that_is_wrong(fields, place):
    with pytest.raises(ValidationError) as refused:
        read(least(**fields))
    assert [place_of(details) for details in refused.value.errors()] == [place]


with_card_data = st.recursive(
    json_values | st.sampled_from(["4111 1111 1111 1111", 4111111111111111, "cvv 737", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cvv", "Card Number", "note", "4111111111111111", "id"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*OPTIONAL, "user_id", "note", "cvv", "4111111111111111"]), with_card_data
    )
)
def test_whatever_is_sent_nothing_that_is_read_holds_card_data(fields):
    try:
        transaction, warnings = read(least(**fields))
    except ValidationError:
        return
    card_data.refuse(transaction.model_dump(mode="json"))
    card_data.refuse({"warnings": [warning.model_dump() for warning in warnings]})
