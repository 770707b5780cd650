"""Keeps card numbers and security codes out of the system (PCI DSS 4.0.1, 3.3.1 and 3.5.1): finds
them, refuses them and masks them. An error must never repeat the value, because errors are logged
and go to the headers of the dead-letter topic.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from fraud_app.errors import FraudError

FORBIDDEN_FIELDS = frozenset(
    {"pan", "card_number", "cardnumber", "cvv", "cvc", "cvv2", "cvc2", "track", "track1", "track2"}
)
MAX_DEPTH = 8
"""Levels of nested objects and arrays; no real transaction comes near, and the recursion is
bounded.
"""
SHORTEST, LONGEST = 13, 19
"""Number of digits of a card number (ISO/IEC 7812-1)."""
SHORT = 64
"""An error repeats only this many letters of a field's name, and longer names are not cached."""

# A quick test: every card number has this many digits, spaces or hyphens in a row, and nearly no
# other text has. It takes a third of the time of `_DIGITS`.
_ENOUGH = re.compile(rf"[\d -]{{{SHORTEST}}}")
# Single spaces or hyphens may stand between the digits.
_DIGITS = re.compile(r"(?<![\d.])(?:\d[ -]?){12,18}\d(?![\d])")
_RUN = re.compile(r"\d(?:[ -]?\d)*")
_GROUP = re.compile(r"\d+")
# A UUID or a hex digest looks like a card number by chance: about 200 of a million random ones.
_RANDOM_IDENTIFIERS = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=\d*[a-f])[0-9a-f]{24,})"
    r"(?![0-9A-Za-z])",
    re.IGNORECASE,
)
# Issuer ranges of the large card schemes, in this order: Visa, Mastercard (two ranges), American
# Express, Diners Club, Discover, UnionPay.
_SCHEMES = re.compile(
    r"^(?:4\d{12}(?:\d{3}){0,2}"
    r"|5[1-5]\d{14}|2[2-7]\d{14}"
    r"|3[47]\d{13}"
    r"|3[068]\d{12}"
    r"|6(?:011|5\d\d)\d{12}"
    r"|62\d{14,17})$"
)
_FORBIDDEN_NAMES = "|".join(
    name.replace("_", "[-_]") for name in sorted(FORBIDDEN_FIELDS, reverse=True)
)
# A forbidden name with the value behind it, in a text that is not valid JSON.
_NAMED = re.compile(
    rf"""(["']?\b(?:{_FORBIDDEN_NAMES})\b["']?\s*[:=]\s*)"""
    r"""("(?:[^"\\]|\\.)*"|[^\s,;&}\]]+)""",
    re.IGNORECASE,
)
_HIDDEN = "***"
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11,18}")


class CardDataRefused(FraudError, ValueError):
    """Card data was found. The message names the field and nothing else."""


def without_long_numbers(text: str) -> str:
    """The text with every number of 12 to 19 digits replaced, for previews on a page: what is cut
    in the middle can no longer be checked for a card number.
    """
    return _LONG_NUMBER.sub("…", text)


def is_card_number(text: str) -> bool:
    """Whether a string of digits is a card number: in a scheme's range, with a valid Luhn check
    digit (ISO/IEC 7812-1).

    >>> is_card_number("4111111111111111"), is_card_number("4111111111111112")
    (True, False)
    >>> is_card_number("20261124093000")
    False
    """
    if not _SCHEMES.match(text):
        return False
    total = 0
    for position, digit in enumerate(reversed(text)):
        number = int(digit)
        if position % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


def refuse(value: Any, name: str = "", depth: int = 0) -> None:
    """Raise `CardDataRefused` when a field is named like card data, when any text, number or name
    holds a card number, or when the value is nested deeper than 8 levels. `name` is the field of
    the value and `depth` its level.
    """
    if isinstance(value, str):
        _refuse_text(value, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        if _is_card_integer(value):
            raise CardDataRefused(
                f"{name or 'value'}: a card number is not accepted; send a fingerprint"
            )
    elif isinstance(value, dict):
        _refuse_depth(depth)
        for key, item in value.items():
            name = str(key)
            (_refuse_short_name if len(name) <= SHORT else _refuse_name)(name)
            if type(item) is not str:  # strings, the common case, need no recursive call
                refuse(item, name[:SHORT], depth + 1)
            elif len(item) >= SHORTEST:
                _refuse_text(item, name[:SHORT])
    elif isinstance(value, list):
        _refuse_depth(depth)
        for item in value:
            refuse(item, name, depth + 1)


def masked(value: bytes) -> bytes:
    """A refused message as it may be stored: the same bytes when there is no card data in them.
    Else stars replace all digits of each card number but the last four (PCI DSS 4.0.1, 3.4.1), and
    every value whose field is named like card data.
    """
    try:
        fields = from_json(value, allow_inf_nan=False)
        masked_fields = _masked_fields(fields)
    except (ValueError, RecursionError):
        text = _NAMED.sub(rf'\1"{_HIDDEN}"', value.decode(errors="surrogateescape"))
    else:
        # The text is masked in any case. When a name occurs twice, `fields` holds only the last
        # one, and a key may be a bare number.
        keep_bytes = masked_fields == fields or isinstance(fields, int)
        text = (value if keep_bytes else to_json(masked_fields)).decode()
    return _masked_text(text).encode(errors="surrogateescape")


def _masked_fields(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _masked_text(str(value)) if _is_card_integer(value) else value
    if isinstance(value, dict):
        return {
            _masked_text(name): _HIDDEN if _is_forbidden(name) else _masked_fields(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_masked_fields(item) for item in value]
    return value


def _masked_text(text: str) -> str:
    if not _DIGITS.search(text):
        return text
    letters = list(text)
    for start, end in _card_numbers(text):
        letters[start : end - 4] = [
            "*" if letter.isdigit() else letter for letter in letters[start : end - 4]
        ]
    return "".join(letters)


def _card_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the card numbers in a text: runs of digits that are a card number, in groups
    of any size; and, among other digits, card numbers that begin with a group of four or more
    digits, as on a card. (To try every digit as the first one would take twenty times the length of
    a hostile text.)
    """
    if not text.isascii():  # digits of all scripts, also full-width ones; the length stays the same
        text = "".join(
            str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text
        )
    text = _RANDOM_IDENTIFIERS.sub(lambda match: "…" * len(match.group()), text)
    for match in _DIGITS.finditer(text):
        if is_card_number("".join(_GROUP.findall(match.group()))):
            yield match.span()
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        for first, (start, end) in enumerate(groups):
            if end - start < 4 or text[start - 1 : start] == ".":  # a fraction is no card number
                continue
            digits = ""
            for group_start, group_end in groups[first : first + LONGEST]:
                digits += text[group_start:group_end]
                if len(digits) > LONGEST:
                    break
                if len(digits) >= SHORTEST and is_card_number(digits):
                    yield start, group_end


def _is_card_integer(value: int) -> bool:
    return value > 10**12 and is_card_number(str(value))


def _is_forbidden(name: str) -> bool:
    return name.lower().replace("-", "_") in FORBIDDEN_FIELDS


def _refuse_name(name: str) -> None:
    if _is_forbidden(name):
        raise CardDataRefused(f"{name}: card data is not accepted; send payment_method.fingerprint")
    _refuse_text(name, "a field's name")


_refuse_short_name = lru_cache(maxsize=1024)(_refuse_name)


def _refuse_text(text: str, name: str) -> None:
    if _ENOUGH.search(text) and _DIGITS.search(text) and any(_card_numbers(text)):
        raise CardDataRefused(
            f"{name or 'value'}: a card number is not accepted; send a fingerprint"
        )


def _refuse_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise CardDataRefused(f"nested deeper than {MAX_DEPTH} levels")
