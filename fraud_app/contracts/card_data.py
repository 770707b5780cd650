"""Keeps card numbers and security codes out of the system (PCI DSS 4.0.1, 3.3.1, 3.4.1 and 3.5.1):
finds them anywhere in a record and masks them. What a value is, its field's name says
(`card_fields`); what a number is, its digits and its place say (`card_numbers`).

A transaction is decided without them. Only a field that is named for card data is refused, and by
HTTP alone, where the shop is told at once. An error must never repeat the value, because errors are
logged and go to the headers of the dead-letter topic.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from fraud_app.contracts.card_fields import SHORT, Kind, is_absent, kind_of
from fraud_app.contracts.card_numbers import id_may_hold_number
from fraud_app.contracts.card_ranges import SHORTEST, SHORTEST_USUAL
from fraud_app.contracts.card_text import (
    HIDDEN,
    holds,
    masked_groups,
    masked_number,
    masked_text,
    without_codes,
    without_numbers,
)
from fraud_app.errors import FraudError

MAX_DEPTH = 8
"""Levels of nested objects and arrays; no real transaction comes near, and the recursion is
bounded.
"""
MAX_FINDINGS = 16
"""Named of one record; everything is masked."""
NUMBER = "looks like a card number and was masked; send a token instead"
CODE = "looks like a security code and was masked"
REFUSED = "card data is not accepted; send payment_method.fingerprint"
FIELD = "card data is not accepted and was masked; send payment_method.fingerprint"
KINDS = {NUMBER: "number", CODE: "code", FIELD: "field"}
"""The problems that a finding can have, each in a word."""

SMALL = 10 ** (SHORTEST - 1)
"""No number below it is a card number."""
IN_CONTRACT = frozenset(
    {"transaction_id", "user_id", "amount", "currency", "occurred_at", "merchant_id", "category",
     "device_id", "ip", "country", "latitude", "longitude", "issuer_response", "fingerprint",
     "bin_country"}
)  # fmt: skip
"""Fields of a transaction: ids, or values that no card number fits. Known without a look."""
_JSON_NUMBERS = frozenset({int, float})
_NAMED = re.compile(
    r"""(?:"([^"\\]{2,64})"|'([^'\\]{2,64})'|(?<![\w.#-])([\w.#-]{2,64}))\s*[:=]\s*"""
    r"""("(?:[^"\\]|\\.)*(?:"|\Z)|'[^']*'|[^\s,;&}\]]+)"""
)
"""A name with the value behind it, in a text that is no JSON."""


class CardDataRefused(FraudError, ValueError):
    """Card data was found. The message names the field and nothing else."""


class Finding(NamedTuple):
    """Where card data was, as a JSON pointer, and what was done with it."""

    pointer: str
    problem: str


def refuse(fields: dict[str, Any]) -> None:
    """Raise `CardDataRefused` when there is card data in the fields of a transaction, `ValueError`
    when they are nested deeper than 8 levels.
    """
    if _holds(fields, "", 0):
        raise CardDataRefused(REFUSED)


def masked_fields(fields: dict[str, Any]) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The fields without card data, which pass `refuse`, and where some was: at most 16 places.
    Raises `RecursionError` when they are nested a thousand levels deep.
    """
    masking = _Masking()
    return masking.fields(fields, "", ()), tuple(masking.findings)


def masked(value: bytes) -> bytes:
    """A message as it may be stored, whether it is JSON or not: the same bytes when there is no
    card data in them.
    """
    try:
        content = from_json(value, allow_inf_nan=False)
        masking = _Masking()
        result = masking.value(content, "", Kind.TEXT, ())
        if isinstance(content, dict | list | str) and not _repeats_a_name(value):
            # JSON has no infinity, but a number such as 1e400 is read as one.
            return to_json(result, inf_nan_mode="strings") if masking.findings else value
    except (ValueError, RecursionError):
        pass
    text = _NAMED.sub(_without_value, value.decode(errors="surrogateescape"))
    return masked_text(text).encode(errors="surrogateescape")


def _holds(fields: dict[str, Any], parent: str, depth: int) -> bool:
    """Whether there is card data in an object. `parent`: its name, cut. Called for each
    transaction.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    for name, item in fields.items():
        if name in IN_CONTRACT:  # the common case, and fast
            if item.__class__ is str:
                if len(item) < SHORTEST_USUAL or not id_may_hold_number(item):
                    continue
            elif item.__class__ in _JSON_NUMBERS and -SMALL < item < SMALL:
                continue
            kind: Kind | None = Kind.IDENTIFIER
        else:
            kind = _kind_of(name, parent) if len(name) <= SHORT else _look_at(name, parent)
            if item.__class__ is str and kind is Kind.TEXT and not holds(item, kind):
                continue
        if kind is None or (item is not None and _value_holds(item, name[:SHORT], kind, depth)):
            return True
    return False


def _look_at(name: str, parent: str) -> Kind | None:
    """`kind_of`, or None when the name itself holds card data."""
    return None if holds(name, kind_of(parent)) else kind_of(name[:SHORT], parent)


_kind_of = lru_cache(maxsize=4096)(_look_at)


def _value_holds(value: Any, name: str, kind: Kind, depth: int) -> bool:
    if kind is Kind.CARD_DATA and not is_absent(value):
        return True
    if isinstance(value, str):
        return holds(value, kind)
    if isinstance(value, dict):
        return _holds(value, name, depth + 1)
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        return masked_groups(value) is not None or any(
            _value_holds(item, name, kind, depth + 1) for item in value
        )
    return masked_number(value, kind) is not value


class _Masking:
    """One pass over a record that notes what it masks."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def fields(self, fields: dict[str, Any], parent: str, path: tuple[str, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for sent, item in fields.items():
            name = masked_text(sent, kind_of(parent))
            here = (*path, name)
            if name != sent:
                self._note(here, NUMBER)
            kind = kind_of(sent[:SHORT], parent)
            if kind is Kind.CARD_DATA and not is_absent(item):
                self._note(here, FIELD)
                result[name] = HIDDEN
            else:
                result[name] = self.value(item, sent[:SHORT], kind, here)
        return result

    def value(self, value: Any, name: str, kind: Kind, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return self.fields(value, name, path)
        if isinstance(value, list):
            groups = masked_groups(value)
            if groups is not None:
                self._note(path, NUMBER)
                return groups
            return [
                self.value(item, name, kind, (*path, str(index)))
                for index, item in enumerate(value)
            ]
        if not isinstance(value, str):
            result = masked_number(value, kind)
            if result is not value:
                self._note(path, CODE if result == HIDDEN else NUMBER)
            return result
        without = without_numbers(value, kind)
        if without != value:
            self._note(path, NUMBER)
        result = without_codes(without, kind)
        if result != without:
            self._note(path, CODE)
        return result

    def _note(self, path: tuple[str, ...], problem: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            parts = (part[:SHORT].replace("~", "~0").replace("/", "~1") for part in path)
            self.findings.append(Finding("/" + "/".join(parts), problem))


def _without_value(match: re.Match[str]) -> str:
    """A name and its value; without the value when the name is of card data."""
    name, value = match.group(1) or match.group(2) or match.group(3), match.group(4)
    if kind_of(name[:SHORT]) is not Kind.CARD_DATA or is_absent(value.strip("\"'")):
        return match.group()
    return match.group()[: -len(value)] + f'"{HIDDEN}"'


def _repeats_a_name(value: bytes) -> bool:
    """Whether an object of a JSON text has a name twice: a parser keeps only the last one."""
    repeated = False

    def note(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len({name for name, _ in pairs}) < len(pairs)

    json.loads(value, object_pairs_hook=note, parse_int=str, parse_float=str)
    return repeated
