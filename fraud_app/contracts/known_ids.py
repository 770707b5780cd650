"""Identifiers that are known by their form: UUIDs, hexadecimal ids, IPv6 addresses, IBANs and phone
numbers with a plus. Digits in them can look like a card number by chance; they are none.
"""

from __future__ import annotations

import re

_RANDOM = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    # Digits with one D among them are the second track of a card.
    r"|(?=\d*[a-f])(?!\d{12,19}D\d+(?![0-9a-z]))[0-9a-f]{24,})"
    r"(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![0-9A-Za-z:])")
_IBAN = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2})\d\d(?:[ -]?[0-9A-Za-z]){11,30}")
_PHONE = re.compile(r"(?<![0-9A-Za-z])\+(?:[ ()./-]{0,2}\d){7,15}+(?![ ()./-]{0,8}\d)")
"""E.164: at most 15 digits. A plus behind a letter or digit is a blank in a URL, or arithmetic."""

IBAN_LENGTHS = {
    code: length
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FI FO FK GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE IL IQ OM TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
"""Characters of an IBAN by country (SWIFT IBAN registry, release 99)."""


def without_known_ids(text: str) -> str:
    """The text with these identifiers blanked out; its length stays the same.

    >>> without_known_ids("from DE89 3704 0044 0532 0130 00 on")
    'from xxxxxxxxxxxxxxxxxxxxxxxxxxx on'
    """
    text = _RANDOM.sub(_blank, text)
    if ":" in text:
        text = _IPV6.sub(_blank, text)
    if "+" in text:
        text = _PHONE.sub(_blank, text)
    return _IBAN.sub(_blank_iban, text)


def _blank(match: re.Match[str]) -> str:
    return "x" * len(match.group())


def _blank_iban(match: re.Match[str]) -> str:
    text = match.group()
    length = IBAN_LENGTHS.get(match.group(1).upper(), 0)
    ends = [end for end, letter in enumerate(text, 1) if letter.isalnum()]
    if not 0 < length <= len(ends):
        return text
    end = ends[length - 1]
    iban = "".join(letter for letter in text[:end] if letter.isalnum())
    if not iban.isascii() or text[end : end + 1].isalnum():
        return text
    number = int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4]))
    return "x" * end + text[end:] if number % 97 == 1 else text
