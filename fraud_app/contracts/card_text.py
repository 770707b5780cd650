"""Masks card numbers and security codes in a single value: a text, a JSON number, an array whose
items are the groups of one card number.
"""

from __future__ import annotations

import re
from typing import Any

from fraud_app.contracts.card_fields import Kind
from fraud_app.contracts.card_numbers import Number, card_numbers
from fraud_app.contracts.card_ranges import LONGEST, SHORTEST

HIDDEN = "***"
"""Stands for a security code, and for the whole value of a field for card data."""
SHORTEST_TEXT = 6
"""Characters of the shortest text that is looked at: a name and a code, `cvv737`."""

_FIRST, _LAST, _WITH_FIRST = 6, 4, 15
"""Digits of an id that stay (PCI DSS 3.4.1), and how many it must have for the first ones to stay.
"""
_FILLER = r"[\s:=#\"'.,()*-]*"
_CODE = re.compile(
    r"(?<![A-Za-z])(?:cvv[12]?|cvc[12]?|cvn2?|cvd2?|cav2|csc"
    r"|(?:card|security|verification)[ _-]?code|card verification"
    r"|sicherheitscode|pr(?:ü|ue?)f(?:nummer|ziffer)|kartenpr(?:ü|ue?)fnummer"
    r"|c[oó]digo de seguran[cç]a|c[oó]digo de seguridad|code de s[eé]curit[eé]|cryptogramme)"
    rf"(?:{_FILLER}(?:is|was|code|number|value|no|nr|ist|lautet|es|est)\b)?"
    rf"{_FILLER}(\d{{3,4}})(?!\d)",
    re.IGNORECASE,
)
_THREE_DIGITS = re.compile(r"\d[^\d]{0,8}\d[^\d]{0,8}\d").search
"""What every number and every code has, and few other texts."""
_TRACK = re.compile(r"[=Dd]\d{4,}|\^[^^]{2,26}\^\d{4,}")
"""What follows the number on a magnetic stripe."""


def holds(text: str, kind: Kind) -> bool:
    """Whether `masked_text` would change the text. Called for each text of each transaction."""
    if len(text) < SHORTEST_TEXT:
        return kind is Kind.SHORT_CODE and is_short_code(text)
    if _THREE_DIGITS(text) is None and text.isascii():
        return False
    if len(text) >= SHORTEST and card_numbers(text, kind):
        return True
    return kind is not Kind.IDENTIFIER and _CODE.search(text) is not None


def masked_text(text: str, kind: Kind = Kind.TEXT) -> str:
    """The text with stars for the digits of card numbers, except the last four, and for security
    codes that it names. An id keeps the first six digits as well, so that fewer ids become one.

    >>> masked_text("4111-1111-1111-1111, CVC 737")
    '****-****-****-1111, CVC ***'
    """
    return without_codes(without_numbers(text, kind), kind)


def without_numbers(text: str, kind: Kind) -> str:
    """The text with stars for the digits of card numbers."""
    numbers = card_numbers(text, kind)
    if not numbers:
        return text
    letters = list(text)
    for number in numbers:
        for place in _hidden(text, number, kind):
            letters[place] = "*"
    return "".join(letters)


def without_codes(text: str, kind: Kind) -> str:
    """The text with stars for the security codes that it names, or that it is by its field."""
    if kind is Kind.SHORT_CODE and is_short_code(text):
        return HIDDEN
    if kind is Kind.IDENTIFIER or len(text) < SHORTEST_TEXT:
        return text
    return _CODE.sub(lambda match: match.group()[: -len(match.group(1))] + HIDDEN, text)


def masked_number(value: Any, kind: Kind) -> Any:
    """A JSON number that is a card number or a security code, as masked text; else the value."""
    if value.__class__ is not int and value.__class__ is not float:
        return value
    if kind is Kind.SHORT_CODE and value.__class__ is int and is_short_code(str(value)):
        return HIDDEN
    if not 10 ** (SHORTEST - 1) <= abs(value) < 10**LONGEST or value != int(value):
        return value
    text = str(abs(int(value)))
    return masked_text(text, kind) if card_numbers(text, kind) else value


def masked_groups(items: list[Any]) -> list[Any] | None:
    """An array that is a card number, a group each, masked; else None.

    >>> masked_groups(["4111", 1111, "1111", "1111"])
    ['***', '***', '***', '1111']
    """
    if not 3 <= len(items) <= 5:
        return None
    parts = [str(item) for item in items if item.__class__ is str or item.__class__ is int]
    if len(parts) < len(items) or not card_numbers(" ".join(parts), Kind.IDENTIFIER):
        return None
    return [HIDDEN] * (len(parts) - 1) + [parts[-1][-_LAST:]]


def is_short_code(text: str) -> bool:
    """Whether a text has the form of a security code."""
    return len(text) in (3, 4) and text.isdecimal()


def _hidden(text: str, number: Number, kind: Kind) -> list[int]:
    """Where a star is put."""
    places = number.places
    first = _FIRST if kind is Kind.IDENTIFIER and len(places) >= _WITH_FIRST else 0
    track = _TRACK.match(text, number.end)
    behind = range(*track.span()) if track else ()
    return [*places[first:-_LAST], *(place for place in behind if text[place].isdigit())]
