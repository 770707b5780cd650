"""Digits of all scripts, and in escapes of URLs, as ASCII digits."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.plain_digits import NOTHING, may_have_escapes, with_plain_digits


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("4111 a-b", "4111 a-b"),
        ("\uff14\u0661\u096a\U0001d7d2\u00b9", "41441"),
        ("\u00a0\u2009\u3000", "   "),
        ("\u2010\u2013\u2014\u2212\uff0d", "-----"),
        ("4\u200b\u00ad\ufe0f\u20e31", f"4{NOTHING * 4}1"),
        ("é\u4e2d\u044f", "xxx"),
        ("%34", f"{NOTHING * 2}4"),
        ("%EF%BC%94", f"{NOTHING * 8}4"),
        ("%C2%A0", f"{NOTHING * 5} "),
        ("50% off", "50% off"),
        (r"\u0034\t", f"{NOTHING * 5}4{NOTHING}\t"),
        (r"\ud83d \x", None),
        ("&nbsp;&#52;", f"{NOTHING * 5} {NOTHING * 4}4"),
        ("&nothing; & &#999999;", None),
        ("%B4111", "%B4111"),
        ("%FF%80%80", None),
        ("%F8%80%80%80", None),
    ],
)
def test_every_character_becomes_a_plain_one(text, plain):
    result = with_plain_digits(text)
    assert len(result) == len(text)
    assert plain is None or result == plain


@given(st.text())
def test_the_text_keeps_its_length_and_its_digits(text):
    plain = with_plain_digits(text)
    assert len(plain) == len(text)
    assert plain.isascii()
    if not may_have_escapes(text):
        for before, after in zip(text, plain, strict=True):
            assert (unicodedata.digit(before, None) is not None) == after.isdigit()


def test_more_characters_than_are_remembered_are_still_read():
    everything = "".join(map(chr, range(0x80, 0xD800)))
    assert with_plain_digits(everything) == with_plain_digits(everything)
