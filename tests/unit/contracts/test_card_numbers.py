"""Where a card number stands, and what only looks like one."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools.audit import card_detection
from fraud_app.contracts.card_fields import Kind
from fraud_app.contracts.card_numbers import card_numbers, is_card_number

# Published test numbers: Adyen, Authorize.Net, Braintree, CyberSource, iyzico, PayPal, Stripe,
# validator.js.
PUBLISHED = [
    "4111111111111111", "4242424242424242", "4222222222222", "4007000000027", "4012888888881881",
    "4917610000000000003", "4484600000000004", "4001020000000009", "4013250000000000006",
    "4571736000000075", "5555555555554444", "5105105105105100", "2223003122003222",
    "2223000048400011", "2720992593319364", "2222420000001113", "378282246310005",
    "371449635398431", "341134113411347", "30569309025904", "36227206271667", "38520000023237",
    "3056930009020004", "6011111111111117", "6011000990139424", "6445644564456445",
    "3530111333300000", "3566002020360505", "3158911002278044", "3088000000000009",
    "180000000000002", "213100000000001", "2131000000000008", "6200000000000005",
    "6205500000000000004", "6243030000000001", "6250941006528599", "6221260062379699",
    "8171999927660000", "8171999900000000021", "8163999900010", "6271136264806203568",
    "6759649826438453", "6304000000000000", "5018000000000009", "50339619890917",
    "6799990100000000019", "6771830999991239343", "6731012345678906", "6703444444444449",
    "6331101999990016", "5641821111166669", "586824160825533338", "0604290042249596",
    "5019717010103742", "5019555544445555", "2200000000000004", "5066991111111118",
    "6362970000457013", "6062828888666688", "6370950000000005", "9792030000000000",
    "9792052565200015", "6500528865390837", "5060990580000217499", "5061460410120223210",
    "135410014004955", "6388474451094722", "5610591081018250",
]  # fmt: skip
DRESSED = [
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4111/1111/1111/1111",
    "4111_1111_1111_1111",
    "4111,1111,1111,1111",
    "4111|1111|1111|1111",
    "4111:1111:1111:1111",
    "4111\t1111\t1111\t1111",
    "4111\n1111\n1111\n1111",
    "4111  1111  1111  1111",
    "4111 - 1111 - 1111 - 1111",
    "(4111)(1111)(1111)(1111)",
    '"4111", "1111", "1111", "1111"',
    "4111\u00a01111\u00a01111\u00a01111",  # no-break space
    "4111\u20091111\u20091111\u20091111",  # thin space
    "4111\u30001111\u30001111\u30001111",  # ideographic space
    "4111\u20131111\u20131111\u20131111",  # en dash
    "4111\u20101111\u22121111\u20151111",  # other dashes
    "4111\u00b71111\u00b71111\u00b71111",  # middle dot
    "4111\u200b1111\u200b1111\u200b1111",  # zero-width space
    "41\u00ad11\u00ad1111\u00ad11111111",  # soft hyphens
    "4\ufe0f\u20e31\ufe0f\u20e311 1111 1111 1111",  # keycaps
    "\uff14" + "\uff11" * 15,  # full-width digits
    "\u0664\u0661\u0661\u0661 " + "\u0661\u0661\u0661\u0661-1111 1111",  # Arabic digits, and ours
    "\u096a" + "\u0967" * 15,  # Devanagari
    "\U0001d7d2" + "\U0001d7cf" * 15,  # mathematical bold
    "4\u00b9\u00b9\u00b9 1111 1111 1111",  # superscripts
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "41 11 11 11 11 11 11 11",
    "411 111 111 111 111 1",
    "411111 1111111111",
    "4111 11111111 1111",
    "41111111 11111111",
    "4111 1 111 1111 1111",
    "x4111111111111111y",
    "card4111111111111111",
    "4111111111111111D25121010000012345",
    ";4111111111111111=25121010000012345?",
    "%B4111111111111111^DOE/JOHN^2512101000000?",
    "https://shop.example/pay?card=4111111111111111&cvv=737",
    "https://shop.example/4111-1111-1111-1111/paid",
    "q=4111%201111%201111%201111",
    "q=4111%C2%A01111%C2%A01111%C2%A01111",
    "q=4111+1111+1111+1111",
    "q=%34%31%31%31111111111111",
    "q=4111%E2%80%891111%E2%80%931111%E2%80%891111",
    "q=%EF%BC%94" + "%EF%BC%91" * 15,
    "4111&nbsp;1111&nbsp;1111&nbsp;1111",
    "4111&#8211;1111&#x2013;1111&ndash;1111",
    r"4111\t1111\u00a01111\n1111",
    r"\u0034111111111111111",
    "0004111111111111111",
    "order 21 4111111111111111 of 2026",
    "2026-11-24-4111-1111-1111-1111",
    "4111111111111111 12/27 737",
    "-4111111111111111",
    "4111111111111111.00",
    "12,4111111111111111,09/27",
    "4111111111111111 c0ffee00c0ffee00c0ffee00",
]
NO_CARDS = [
    "20261124093000",
    "2026112409300012",
    "1764000000000",
    "1764000000000000",
    "1764000000000000000",
    "1445078208190291973",  # a snowflake id
    "0000 0000 0000 0000",
    "4111111111111112",
    "0.4111111111111111",
    "-0.5309136012499991%",  # of a style sheet (Arachni, issue 647)
    "52.5702100309281, 13.404954",  # a place (ZAP, issue 6639)
    "52.520008, 13.404954",
    "203.113.113.109 203.113.113.110",
    "2026-11-24T09:30:00.123456+00:00",
    "2026-11-24 09:30:00,123 4111",
    "DE89 3704 0044 0532 0130 00",
    "+49 1512 3456789",
    "a4111111-1111-4111-9111-11111111111e",
    "sha256:" + "4111111111111111" * 3 + "abcdef0123456789",
    "************1111 **** **** **** 1111",
    "302-1234567-1234567",
    "41111111111111114111111111111111",  # 32 digits
]


@pytest.mark.parametrize("number", PUBLISHED)
def test_published_numbers_of_every_scheme_are_found(number):
    assert is_card_number(number)
    for text in (number, f"paid with {number}.", card_detection.grouped(number, " ")):
        [found] = card_numbers(text)
        assert len(found.places) == len(number)


@pytest.mark.parametrize("text", DRESSED)
def test_a_card_number_is_found_in_any_dress(text):
    found = card_numbers(text)[-1]
    assert len(found.places) == 16
    assert all(text[place].isdigit() for place in found.places)


@pytest.mark.parametrize("text", NO_CARDS)
def test_other_numbers_are_none(text):
    assert card_numbers(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111-1111-1111-1111",
        "4111 1111 1111 1111",
        "user-4111111111111111",
        "378282246310005",
        "3782-822463-10005",
        "30569309025904",
        "6205500000000000004",
        "5555555555554444",
        "2223003122003222",
        "\uff14" + "\uff11" * 15,
    ],
)
def test_an_id_that_is_a_card_number_by_all_evidence_is_found(text):
    assert len(card_numbers(text, Kind.IDENTIFIER)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "4006381333931",  # EAN-13 of a pen
        "4000000000002",  # EAN-13 and Luhn
        "500000000009",  # 12 digits
        "100004123456786",  # a Facebook user
        "638961234567890120",  # ticks of .NET
        "621234567890123200",  # 18 digits
        "6212345678901230",  # UnionPay without a check digit
        "2611240930001230",  # 26-11-24 09:30:00 and a number
        "30112026000017",  # 30.11.2026 and a number
        "5105 105105 105100",  # other groups
        "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
        "e4111111111111111",  # hexadecimal
    ],
)
def test_an_id_that_merely_passes_the_check_is_left_alone(text):
    assert card_numbers(text, Kind.IDENTIFIER) == []


def test_the_words_before_a_number_say_what_it_is():
    maestro, unchecked = "500000000009", "6212345678901230"
    assert card_numbers(f"ref {maestro}") == card_numbers(f"EAN: {maestro}, paid") == []
    assert card_numbers(unchecked, Kind.IDENTIFIER) == []
    assert len(card_numbers(f"card {unchecked}", Kind.IDENTIFIER)) == 1
    assert len(card_numbers(f"thanks {maestro}")) == 1
    assert len(card_numbers(f"charged at {maestro}")) == 1


def test_what_overlaps_is_one():
    """The true number may be any of them; what would be left of it would be most of its digits."""
    text = "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"
    assert card_numbers(text)[-1].places[-16:] == tuple(range(38, 70, 2))


def test_two_numbers_are_two():
    assert len(card_numbers("4111 1111 1111 1111, 5555 5555 5555 4444")) == 2
    assert len(card_numbers("4111 1111 1111 1111 5555 5555 5555 4444")) == 2


def test_true_numbers_of_every_scheme_are_never_missed():
    rng = random.Random(card_detection.SEED)
    assert {missed for missed, _ in card_detection.misses(4, rng).values()} == {0}
    missed, tried = card_detection.misses_as_id(30, rng)
    assert missed <= tried // 200, "but for those that could be a date with a time"


@pytest.mark.parametrize("kind", card_detection.IDS)
def test_ids_that_are_known_to_be_ids_are_left_alone(kind):
    rng = random.Random(card_detection.SEED)
    assert card_detection.false_masks(kind, 10_000, rng) <= 1


@pytest.mark.parametrize("kind", ["UUID", "IBAN", "hexadecimal id"])
def test_ids_that_are_known_by_their_form_are_left_alone_in_a_note_too(kind):
    rng = random.Random(card_detection.SEED)
    assert card_detection.false_masks(kind, 10_000, rng, "note") <= 1


@given(st.text(max_size=60), st.sampled_from([Kind.TEXT, Kind.IDENTIFIER]))
def test_whatever_the_text_the_places_are_of_its_digits(text, kind):
    for number in card_numbers(text, kind):
        assert number.start == number.places[0]
        assert number.end == number.places[-1] + 1
        assert 12 <= len(number.places) <= 19


@pytest.mark.parametrize("piece", ["4 1 1 1 ", "4111 ", "4", "%34", "62", "4 ", "+1 2 ", "DE89 "])
def test_the_time_is_in_proportion_to_a_hostile_text(piece):
    def seconds(size):
        text = piece * (size // len(piece))
        started = time.process_time()
        card_numbers(text)
        return time.process_time() - started

    seconds(1000)
    short = min(seconds(4_000) for _ in range(3))
    assert seconds(64_000) < max(16 * short * 4, 0.05)
