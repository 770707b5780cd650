"""Card numbers and security codes in a single value are masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.card_fields import Kind
from fraud_app.contracts.card_text import holds, masked_groups, masked_number, masked_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111111111111111", "************1111"),
        ("4111 1111\t1111-1111", "**** ****\t****-1111"),
        ("paid with 378282246310005.", "paid with ***********0005."),
        ("\uff14" + "\uff11" * 15, "*" * 12 + "\uff11" * 4),
        ("?card=4111111111111111&cvv=737", "?card=************1111&cvv=***"),
        (";4111111111111111=25121010000012345?", ";************1111=*****************?"),
        ("B4111111111111111^DOE/JOHN^2512101000000?", "B************1111^DOE/JOHN^*************?"),
        ("q=%34%31%31%31111111111111", "q=%3*%3*%3*%3*********1111"),
    ],
)
def test_stars_replace_all_digits_but_the_last_four(text, masked):
    assert masked_text(text) == masked


def test_an_id_keeps_its_first_six_digits_so_that_fewer_ids_become_one():
    assert masked_text("4111111111111111", Kind.IDENTIFIER) == "411111******1111"
    assert masked_text("3782-822463-10005", Kind.IDENTIFIER) == "3782-82****-*0005"
    assert masked_text("30569309025904", Kind.IDENTIFIER) == "**********5904", "too short for it"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("cvv 737", "cvv ***"),
        ("CVV: 7373", "CVV: ***"),
        ("cvc2=737 exp 12/27", "cvc2=*** exp 12/27"),
        ("the CVC is 737", "the CVC is ***"),
        ("security code 737", "security code ***"),
        ("Security-Code: '737'", "Security-Code: '***'"),
        ("Card code no. 737", "Card code no. ***"),
        ("Kartenprüfnummer lautet 737", "Kartenprüfnummer lautet ***"),
        ("código de seguridad: 737", "código de seguridad: ***"),
        ('{"cvv": "737"}', '{"cvv": "***"}'),
    ],
)
def test_a_security_code_that_a_text_names_is_masked(text, masked):
    assert masked_text(text) == masked
    assert holds(text, Kind.TEXT)


@pytest.mark.parametrize(
    "text",
    ["cvv 73737", "cvv matched", "room 737", "recvv 737", "promotion code 737", "CVE-2021-44228"],
)
def test_other_numbers_are_no_security_codes(text):
    assert masked_text(text) == text


def test_three_or_four_digits_are_a_code_where_the_field_could_be_one():
    assert masked_text("1234", Kind.SHORT_CODE) == "***"
    assert masked_number(123, Kind.SHORT_CODE) == "***"
    assert masked_text("GA1.2.12345", Kind.SHORT_CODE) == "GA1.2.12345"
    assert masked_number(12345, Kind.SHORT_CODE) == 12345


@pytest.mark.parametrize("value", [4111111111111111, 4111111111111111.0, -4111111111111111])
def test_a_json_number_that_is_a_card_number_becomes_a_masked_text(value):
    assert masked_number(value, Kind.TEXT) == "************1111"


@pytest.mark.parametrize(
    "value",
    [0, 1, 737, 10**12, 1764000000000, 2**64, 10**400, 1e300, -1e300, 0.4111111111111111, 4.5e15,
     True, None],
)  # fmt: skip
def test_other_json_values_stay_the_same(value):
    assert masked_number(value, Kind.TEXT) is value


def test_an_array_of_groups_is_one_number():
    assert masked_groups(["4111", 1111, "1111", "1111"]) == ["***", "***", "***", "1111"]
    assert masked_groups(["3782", "822463", "10005"]) == ["***", "***", "0005"]
    for items in ([4, 1, 1, 1], ["4111", "1111"], [1.5] * 4, [None] * 4, [], [[1]] * 4):
        assert masked_groups(items) is None


@given(st.text(max_size=80), st.sampled_from(Kind))
def test_what_is_masked_holds_nothing_more_and_what_holds_nothing_stays(text, kind):
    masked = masked_text(text, kind)
    assert holds(text, kind) == (masked != text)
    assert masked_text(masked, kind) == masked
