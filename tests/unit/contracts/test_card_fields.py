"""What a field's name says of its value."""

import pytest

from fraud_app.contracts.card_data import IN_CONTRACT
from fraud_app.contracts.card_fields import Kind, is_absent, kind_of
from fraud_app.contracts.transaction import PaymentMethod, Transaction


@pytest.mark.parametrize(
    "name",
    [
        "pan", "PAN", "card_number", "cardnumber", "cardNumber", "CardNumber", "CARD NUMBER",
        "card-number", "card.number", "card__number", "cardNo", "card_no.", "card num", "ccNum",
        "cc_number", "ccnumber", "creditCardNumber", "debit-card-number", "customer_card_number",
        "x_card_num", "primaryAccountNumber", "full_pan", "Kreditkartennummer", "kartennummer",
        "numero_carte", "número de tarjeta", "NumeroTarjeta", "número_do_cartão", "номер карты",
        "卡号", "ｃａｒｄ　ｎｕｍｂｅｒ", "card\u200bnumber", "valid_card_number",
        "cvv", "CVV", "cvv2", "Cvv_Code", "CVV number", "cvc", "cvc2", "cardCvc", "card_cvv", "csc",
        "cvn", "cvd", "cav2", "c.v.v", "C V C", "security_code", "securityCode", "Security-Code",
        "card_security_code", "cardCode", "card_verification_value", "verificationValue",
        "card verification number", "Kartenprüfnummer", "Sicherheitscode", "cryptogramme",
        "código de seguridad", "ｃｖｖ", "安全码",
        "track", "track1", "Track2", "track_data", "track2_equivalent_data", "magstripe",
        "pin_block", "card_pin", "card_1_number", "card_number_2", "CCV", "cvc_cvv", "pan_no",
        "dPAN",
    ],
)  # fmt: skip
def test_names_of_card_data_are_known_in_any_spelling(name):
    assert kind_of(name) is Kind.CARD_DATA


@pytest.mark.parametrize(
    ("parent", "name"),
    [
        ("card", "number"),
        ("creditCard", "Number"),
        ("card", "no"),
        ("card", "code"),
        ("cc", "num"),
        ("card", "cid"),
        ("cards", "number"),
        ("cards", "securityCode"),
        ("credit_card", "cvv"),
        ("payment_method", "cvc"),
    ],
)
def test_a_name_is_read_with_that_of_its_object(parent, name):
    assert kind_of(name, parent) is Kind.CARD_DATA


@pytest.mark.parametrize(
    "name",
    [
        "company", "japan", "lifespan", "soundtrack", "track_id", "discount", "placid", "card",
        "credit_card", "card_last4", "card_number_last4", "card_number_hash", "card_brand",
        "cvc_check", "cvv_result", "has_cvv", "card_type", "card_holder", "card_expiry",
        "gift_card_number", "giftCardNumber", "loyaltycardnumber", "membership_card_no",
        "id_card_number", "sim_card_number", "Kundenkartennummer", "number", "code", "email",
        "email_verification_code", "discard_number_of_items",
        "masked_pan", "tokenized_card_number", "account_number", "postal_code",
    ],
)  # fmt: skip
def test_other_names_are_not_refused(name):
    assert kind_of(name) is not Kind.CARD_DATA


@pytest.mark.parametrize(
    "name",
    [
        "id", "order_id", "orderId", "ORDER-ID", "sku", "ean13", "EAN", "product_code", "gtin",
        "invoice_number", "phone", "mobilePhone", "tel", "iban", "imei", "created_at", "timestamp",
        "trace_id", "tracking_number", "items", "skus", "Bestellnummer", "customer_reference",
        "orderid", "ordernumber", "PHONENUMBER", "userid", "productcode", "trackingnumber",
    ],
)  # fmt: skip
def test_names_of_identifiers_are_known(name):
    assert kind_of(name) is Kind.IDENTIFIER


@pytest.mark.parametrize(
    "name",
    ["note", "order_note", "item_description", "comment", "card_id", "payment_card_ref", "x"],
)
def test_prose_cards_and_what_says_nothing_are_texts(name):
    assert kind_of(name) is Kind.TEXT


def test_a_name_that_says_nothing_takes_its_objects():
    assert kind_of("value", "ean") is Kind.IDENTIFIER
    assert kind_of("value", "note") is Kind.TEXT
    assert kind_of("cid") is Kind.SHORT_CODE


@pytest.mark.parametrize(
    "value",
    [None, "", " ", True, False, [], {}, "***", "XXXX", "************1111", "4111 11** **** 1111",
     "xxxx-xxxx-xxxx-1111", "411111••••••1111",
     "XXXX-1111", "***1111"],
)  # fmt: skip
def test_nothing_and_what_is_masked_is_no_card_data(value):
    assert is_absent(value)


@pytest.mark.parametrize(
    "value",
    ["737", 737, 0, "4111111111111111", "anything", "4111*1111*1111*1111", [1], "x", "**1111"],
)
def test_everything_else_is(value):
    assert not is_absent(value)


def test_the_fields_of_a_transaction_hold_no_card_data_by_their_names():
    fields = (Transaction.model_fields.keys() | PaymentMethod.model_fields.keys()) - {
        "payment_method",
        "metadata",
        "type",
    }
    assert fields == IN_CONTRACT
    assert {kind_of(name) for name in IN_CONTRACT} == {Kind.IDENTIFIER}
