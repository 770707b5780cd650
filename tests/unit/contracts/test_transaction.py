"""The transaction: what is accepted, refused, and kept as metadata."""

from decimal import Decimal
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from yarl import URL

from fraud_app.contracts.transaction import Transaction
from tests.support.builders import payload


def test_a_transaction_survives_a_round_trip():
    sent = Transaction.model_validate(payload(metadata={"cart": 3}))
    assert Transaction.model_validate_json(sent.model_dump_json()) == sent


def test_unknown_fields_are_kept_as_metadata():
    assert Transaction.model_validate(payload(basket=7, metadata={"a": 1})).metadata == {
        "basket": 7,
        "a": 1,
    }


def test_each_wrong_field_is_named():
    with pytest.raises(ValidationError) as refused:
        Transaction.model_validate(payload(amount="-1", country="Germany", ip="999.1.1.1"))
    assert {error["loc"][0] for error in refused.value.errors()} == {"amount", "country", "ip"}


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [("203.0.113.9", "203.0.113.9"), ("2001:DB8:0:0::1", "2001:db8::1"), ("::", "::")],
)
def test_an_address_is_kept_in_its_canonical_form(sent, canonical):
    assert Transaction.model_validate(payload(ip=sent)).ip == canonical


@pytest.mark.parametrize(
    "sent",
    ["203.0.113", "203.0.113.999", "1:2:3", "a" * 100, "1.2.3.4\0", 7, "", "é"],
)
def test_what_is_no_address_is_refused_without_repeating_it(sent):
    with pytest.raises(ValidationError) as refused:
        Transaction.model_validate(payload(ip=sent))
    assert len(str(sent)) < 3 or str(sent) not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("amount", "code", "accepted"),
    [("1.00", "JPY", True), ("1.50", "JPY", False), ("1.234", "KWD", True)],
)
def test_an_amount_has_no_more_digits_than_its_currency(amount, code, accepted):
    if accepted:
        assert Transaction.model_validate(payload(amount=amount, currency=code)).amount == Decimal(
            amount
        )
    else:
        with pytest.raises(ValidationError, match="digits after the point"):
            Transaction.model_validate(payload(amount=amount, currency=code))


@given(st.text(min_size=1, max_size=128))
@example("..")
@example("%2e%2e/")
def test_every_id_that_is_accepted_survives_a_url(text):
    try:
        Transaction.model_validate(payload(user_id=text))
    except ValidationError:
        return
    address = URL(f"http://worker/api/users/{quote(text, safe='')}")
    assert unquote(address.raw_path.removeprefix("/api/users/")) == text


# Published test numbers of the schemes.
CARDS = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "2223003122003222",
    "30569309025904",
]


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize("field", ["transaction_id", "user_id", "merchant_id", "device_id"])
def test_a_card_number_is_refused_wherever_it_stands(number, field):
    with pytest.raises(ValidationError) as refused:
        Transaction.model_validate(payload(**{field: number}))
    assert number not in str([error["msg"] for error in refused.value.errors()])
