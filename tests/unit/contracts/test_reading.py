"""Only the required fields can cost a transaction its decision."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fraud_app.contracts.reading import REQUIRED, place_of, read_fields, read_json
from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import Transaction
from tests.support.builders import payload

OPTIONAL = sorted(set(Transaction.model_fields) - REQUIRED)


def least(**fields):
    """The required fields and these."""
    sent = payload(transaction_id="t-1")
    return {name: value for name, value in sent.items() if name in REQUIRED} | fields


def test_a_correct_transaction_has_no_warnings():
    assert read_fields(payload()).warnings == ()


def test_the_required_fields_are_enough():
    transaction, warnings = read_fields(least())
    assert (transaction.occurred_at, transaction.ip, warnings) == (None, None, ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("occurred_at", "9999-12-31T23:59:59-12:00"),
        ("occurred_at", "0001-01-01T00:00:00Z"),
        ("occurred_at", "2026-01-01T00:00:00"),
        ("occurred_at", 1e300),
        ("ip", "203.0.113.9.4"),
        ("country", "Germany"),
        ("latitude", 91),
        ("longitude", "east"),
        ("category", "crypto"),
        ("device_id", "a\u0000b"),
        ("country", "XX"),
        ("country", "T1"),
        ("ip", ""),
        ("ip", "unknown"),
        ("issuer_response", "maybe"),
        ("payment_method", "card"),
        ("metadata", [1]),
    ],
)
def test_what_cannot_be_used_is_missing_and_said(field, value):
    transaction, (warning,) = read_fields(least(**{field: value}))
    assert warning.field == f"/{field}"
    assert str(value) not in warning.problem or field in ("payment_method", "ip")
    assert getattr(transaction, field) == getattr(read_fields(least()).transaction, field)


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("ip", "::ffff:203.0.113.9", "203.0.113.9"),
        ("ip", "203.0.113.9:443", "203.0.113.9"),
        ("ip", "[2001:DB8::1]:443", "2001:db8::1"),
        ("ip", "fe80::1%eth0", "fe80::1"),
        ("ip", " 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("country", "UK", "GB"),
        ("country", "el", "GR"),
        ("currency", "eur", "EUR"),
        ("amount", "0", 0),
        ("user_id", "auth0|5f7", "auth0|5f7"),
        ("user_id", "a+b@example.org", "a+b@example.org"),
        ("user_id", "q/Zx+A==", "q/Zx+A=="),
        ("user_id", "Zoë 2", "Zoë 2"),
    ],
)
def test_other_spellings_are_read_without_a_warning(field, value, read):
    transaction, warnings = read_fields(least(**{field: value}))
    assert getattr(transaction, field) == read
    assert warnings == ()


@pytest.mark.parametrize("wrong", [{}, {"ip": "nowhere"}])
def test_the_noise_of_a_float_is_rounded_away_and_said(wrong):
    for read in (read_fields, lambda fields: read_json(orjson.dumps(fields))):
        transaction, warnings = read(least(amount=0.1 + 0.2, **wrong))
        assert str(transaction.amount) == "0.30"
        assert InputWarning(field="/amount", problem="rounded to 0.30") in warnings


@pytest.mark.parametrize("amount", ["12.345", 12.345, "0.001"])
def test_real_digits_beyond_the_minor_unit_are_refused(amount):
    with pytest.raises(ValidationError, match="digits after the point"):
        read_fields(least(amount=amount))


def test_no_place_is_missing_and_the_equator_is_a_place():
    nowhere, (warning,) = read_fields(least(latitude=0, longitude=0.0))
    assert (nowhere.latitude, nowhere.longitude, warning.field) == (None, None, "/latitude")
    somewhere = read_fields(least(latitude=0, longitude=9.45))
    assert (somewhere.transaction.latitude, somewhere.warnings) == (0, ())


def test_forty_unknown_fields_are_kept():
    unknown = {f"field_{number}": number for number in range(40)}
    assert read_fields(least(**unknown)).transaction.metadata == unknown


def test_of_a_nested_field_only_that_is_missing():
    method = {"type": "card", "fingerprint": "fp", "bin_country": "Germany", "brand": "x"}
    fields = least(payment_method=method)
    transaction, warnings = read_fields(fields)
    assert transaction.payment_method.fingerprint == "fp"
    assert transaction.payment_method.bin_country is None
    assert {warning.field for warning in warnings} == {
        "/payment_method/bin_country",
        "/payment_method/brand",
    }
    assert fields["payment_method"] is method
    assert len(method) == 4, "the caller's object is left as it was"


@pytest.mark.parametrize("field", OPTIONAL)
def test_null_is_absence(field):
    transaction, warnings = read_fields(least(**{field: None}))
    assert transaction == read_fields(least()).transaction
    assert warnings == ()


@pytest.mark.parametrize("field", sorted(REQUIRED))
def test_a_wrong_required_field_is_named_even_beside_an_optional_one(field):
    with pytest.raises(ValidationError) as refused:
        read_fields(least(**{field: [], "ip": "nowhere"}))
    assert (field,) in [error["loc"] for error in refused.value.errors()]


def test_an_amount_too_small_for_its_exponent_is_refused():
    with pytest.raises(ValidationError, match="digits after the point"):
        read_fields(least(amount="1e-1000100"))


def test_card_data_is_still_refused():
    with pytest.raises(ValidationError, match="card"):
        read_fields(least(ip="nowhere", metadata={"note": "4111 1111 1111 1111"}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(OPTIONAL), json_values))
def test_whatever_an_optional_field_holds_the_transaction_is_read_or_the_whole_is_refused(fields):
    """Refused is only what is no field's fault: card data, or too much metadata."""
    try:
        transaction, warnings = read_fields(least(**fields))
    except ValidationError as error:
        places = [details["loc"] for details in error.errors()]
    else:
        places = []
        assert transaction.user_id == "u1"
        assert {warning.field.split("/")[1] for warning in warnings} <= set(fields)
    assert not any(places)


@given(st.dictionaries(st.sampled_from(OPTIONAL), json_values))
def test_a_json_text_and_its_fields_are_read_alike(fields):
    sent = least(**fields)
    try:
        text = orjson.dumps(sent)
    except TypeError:
        return  # an integer that orjson cannot write
    try:
        by_fields = read_fields(orjson.loads(text))
    except ValidationError:
        with pytest.raises(ValidationError):
            read_json(text)
    else:
        assert read_json(text).transaction == by_fields.transaction


def test_an_error_of_several_fields_together_names_the_one_that_is_wrong():
    for fields, place in (
        ({"amount": "1.005"}, ("amount",)),
        ({"metadata": {str(number): 0 for number in range(300)}}, ("metadata",)),
        ({"user_id": ""}, ("user_id",)),
    ):
        with pytest.raises(ValidationError) as refused:
            read_fields(least(**fields))
        assert [place_of(details) for details in refused.value.errors()] == [place]
