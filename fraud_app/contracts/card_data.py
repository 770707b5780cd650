"""Keeps card numbers and security codes out of the system (PCI DSS 4.0.1, 3.3.1 and 3.5.1).

The error never repeats the value, since errors are logged and go to the dead-letter topic's
headers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

FORBIDDEN_FIELDS = frozenset(
    {"pan", "card_number", "cardnumber", "cvv", "cvc", "cvv2", "cvc2", "track", "track1", "track2"}
)
MAX_DEPTH = 8
SHORTEST, LONGEST = 13, 19
"""Digits of a card number."""
SHORT = 64
"""Letters of a field's name that are repeated in an error, and of those that are remembered as
harmless.
"""

# Whatever is found below has so many of these behind each other, and nearly no text does: a third
# of the time of looking closer.
_ENOUGH = re.compile(rf"[\d -]{{{SHORTEST}}}")
# Digits may be parted by single spaces or hyphens.
_DIGITS = re.compile(r"(?<![\d.])(?:\d[ -]?){12,18}\d(?![\d])")
_RUN = re.compile(r"\d(?:[ -]?\d)*")
_GROUP = re.compile(r"\d+")
# A UUID or a hex digest has such digits by chance: of a million random ones about two hundred.
_RANDOM_IDENTIFIERS = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=\d*[a-f])[0-9a-f]{24,})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
# Issuer ranges of the large schemes.
_SCHEMES = re.compile(
    r"^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|6(?:011|5\d\d)\d{12}|62\d{14,17})$"
)
_NAMED = re.compile(
    rf"""(["']?\b(?:{"|".join(name.replace("_", "[-_]") for name in sorted(FORBIDDEN_FIELDS, reverse=True))})\b["']?\s*[:=]\s*)"""
    r"""("(?:[^"\\]|\\.)*"|[^\s,;&}\]]+)""",
    re.IGNORECASE,
)
_HIDDEN = "***"


class CardDataRefused(ValueError):
    """Card data was found; the message names the field and nothing else."""


def is_card_number(text: str) -> bool:
    """Whether the digits are a card number: a scheme's range and a valid Luhn check digit (ISO/IEC
    7812-1).

    >>> is_card_number("4111111111111111"), is_card_number("4111111111111112"), is_card_number("20261124093000")
    (True, False, False)
    """
    if not _SCHEMES.match(text):
        return False
    total = 0
    for place, digit in enumerate(reversed(text)):
        number = int(digit)
        if place % 2:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return total % 10 == 0


def refuse(value: Any, name: str = "", depth: int = 0) -> None:
    """Raise `CardDataRefused` when a field is named like card data or any text holds a card number."""
    if isinstance(value, str):
        _refuse_text(value, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        if _numbers_a_card(value):
            raise CardDataRefused(
                f"{name or 'value'}: a card number is not accepted; send a fingerprint"
            )
    elif isinstance(value, dict):
        _refuse_depth(depth)
        for key, item in value.items():
            name = str(key)
            (_refuse_short_name if len(name) <= SHORT else _refuse_name)(name)
            if type(item) is not str:  # the common case without a call
                refuse(item, name[:SHORT], depth + 1)
            elif len(item) >= SHORTEST:
                _refuse_text(item, name[:SHORT])
    elif isinstance(value, list):
        _refuse_depth(depth)
        for item in value:
            refuse(item, name, depth + 1)


def masked(value: bytes) -> bytes:
    """A refused message as it may be kept: the same bytes, unless there is card data in them. Then
    stars stand for the digits of each card number but the last four (PCI DSS 4.0.1, 3.4.1), and for
    all that a field named like card data holds."""
    try:
        told = from_json(value, allow_inf_nan=False)
        kept = _masked_fields(told)
    except (ValueError, RecursionError):
        text = _NAMED.sub(rf'\1"{_HIDDEN}"', value.decode(errors="surrogateescape"))
    else:
        # The text is looked at in any case: of a name that comes twice only the last is in the
        # fields, and a key may be a bare number.
        text = (value if kept == told or isinstance(told, int) else to_json(kept)).decode()
    return _masked_text(text).encode(errors="surrogateescape")


def _masked_fields(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _masked_text(str(value)) if _numbers_a_card(value) else value
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
    """Where card numbers are in a text: by themselves in any groups, or among other digits when
    they begin with a group of four or more, as on a card. (To try each digit as the first would
    take a hostile text's length twenty times.)"""
    if not text.isascii():  # the digits of every script, full-width ones too, letter for letter
        text = "".join(
            str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text
        )
    text = _RANDOM_IDENTIFIERS.sub(lambda found: "…" * len(found.group()), text)
    for found in _DIGITS.finditer(text):
        if is_card_number("".join(_GROUP.findall(found.group()))):
            yield found.span()
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        for first, (start, end) in enumerate(groups):
            if end - start < 4 or text[start - 1 : start] == ".":
                continue
            digits = ""
            for group in groups[first : first + LONGEST]:
                digits += text[slice(*group)]
                if len(digits) > LONGEST:
                    break
                if len(digits) >= SHORTEST and is_card_number(digits):
                    yield start, group[1]


def _numbers_a_card(value: int) -> bool:
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
