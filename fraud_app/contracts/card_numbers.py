"""Finds card numbers in a text. How much evidence is needed depends on where the digits stand.

| where                       | what is a card number there                                        |
|-----------------------------|--------------------------------------------------------------------|
| text                        | a scheme's first digits and length with a valid Luhn digit: in one |
|                             | piece, in the groups of a card or in equal ones, whatever is       |
|                             | between them. In other groups, or within a hexadecimal word, only  |
|                             | with the length that nearly all cards of the scheme have.          |
|                             | UnionPay's usual lengths need no Luhn digit: not all have one.     |
| an identifier (by its name, | only the scheme's usual length with a valid Luhn digit, in one     |
| or by the words before it:  | piece or in the groups of a card, that does not begin with a date. |
| "order 4111…")              | So product codes, phone numbers, times and order numbers with a    |
|                             | date are left alone; an id that is a card's number is found.       |
| a known form                | never: UUIDs, hexadecimal ids, IPv6 addresses, IBANs, phone        |
|                             | numbers with a plus                                                |

Digits count in any script, also in escapes of URLs; letters end a number. It must take time in
proportion to the text, however hostile that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from fraud_app.contracts.card_fields import Kind, identifies, words_of
from fraud_app.contracts.card_ranges import (
    SHORTEST,
    SHORTEST_USUAL,
    Lengths,
    lengths_of,
    luhn_in,
    luhn_sums,
    passes_luhn,
)
from fraud_app.contracts.known_ids import without_known_ids
from fraud_app.contracts.plain_digits import NOTHING, may_have_escapes, with_plain_digits

# Quick tests: what nearly no text without a card number has.
_NO_LETTERS = re.compile(rf"[^A-Za-z]{{{SHORTEST}}}").search
_IN_ID = re.compile(rf"\d{{4}}[^A-Za-z]{{{SHORTEST_USUAL - 4}}}").search
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]{5,18}(?:Z|[+-]\d\d:?\d\d)?").fullmatch

_RUN = re.compile(rf"\d(?:(?:\0*[^A-Za-z0-9\0]){{0,8}}\0*\d){{{SHORTEST - 1},}}")
_GROUP = re.compile(rf"(?:0\0*){{2,}}(?=[1-9]\d{{{SHORTEST - 1}}})|\d(?:\0*\d)*")
"""Zeros that fill a number up are no part of it."""
_HEXADECIMAL = re.compile(rf"(?=\d*[A-Fa-f])[0-9A-Fa-f]{{{SHORTEST},}}").fullmatch
_WORD_BEFORE = re.compile(r"[0-9A-Za-z]*\Z").search
_WORD_AFTER = re.compile(r"[0-9A-Za-z]{0,64}").match
_SINGLE = frozenset({"", " ", "-"})
"""What may stand between groups of any size."""
_ON_CARDS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13)})
_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
_DATED = re.compile(
    rf"20[0-4]\d{_MONTH}{_DAY}|(?:{_DAY}{_MONTH}|{_MONTH}{_DAY})20[0-4]\d"
    rf"|(?:(?:2[3-9]|3[1-3]){_MONTH}{_DAY}|30{_MONTH}(?:2\d|3[0-3])){_CLOCK}"
).match
"""A date with the century. Or one from 2023 to 2033 without, but with a time or zeros behind: that
begins like a card of Mastercard (23 to 27), JCB (31 to 33) or Diners Club (the 30th).
"""
LABEL, LABEL_WORDS = 48, 3
"""Characters, and the last words in them, that can name the number behind them."""


class Number(NamedTuple):
    """Where a card number stands in a text."""

    start: int
    end: int
    places: tuple[int, ...]
    """Of its digits, in the text."""


def card_numbers(text: str, kind: Kind = Kind.TEXT) -> list[Number]:
    """The card numbers in a text, in order. `kind`: what its field is, by its name."""
    if not (id_may_hold_number(text) if kind is Kind.IDENTIFIER else _may_hold_number(text)):
        return []
    if text.isdecimal() and text.isascii() and text[:2] != "00":  # the common case of an id
        is_card = is_card_number(text, kind)
        return [Number(0, len(text), tuple(range(len(text))))] if is_card else []
    return _search(text, kind)


def id_may_hold_number(text: str) -> bool:
    """A quick test that nearly no id passes without being a card number."""
    if _IN_ID(text) is not None:
        return True
    return "%" in text or (not text.isascii() and _may_hold_number(text))


def _may_hold_number(text: str) -> bool:
    if len(text) < SHORTEST or not (_NO_LETTERS(text) or may_have_escapes(text)):
        return False
    return _TIME(text) is None


def is_card_number(digits: str, kind: Kind = Kind.TEXT) -> bool:
    """Whether ASCII digits in one piece are a card number.

    >>> is_card_number("4111111111111111"), is_card_number("4111111111111112")
    (True, False)
    >>> is_card_number("20261124093000")
    False
    """
    known = lengths_of(digits)
    if len(digits) not in known.possible:
        return False
    if kind is Kind.IDENTIFIER:
        return _is_card_as_id(digits, (len(digits),)) and passes_luhn(digits)
    return len(digits) in known.unchecked or passes_luhn(digits)


def _search(text: str, kind: Kind) -> list[Number]:
    plain = with_plain_digits(text)
    if not _RUN.search(plain):
        return []
    if "**" in plain:  # masked already
        plain = re.sub(r"\*{2,}", lambda match: "x" * len(match.group()), plain)
    plain = without_known_ids(plain)
    found: list[tuple[int, int]] = []
    for run in _RUN.finditer(plain):
        where = _kind_at(text, run.start(), kind)
        for start, end in _Run(plain, *run.span()).numbers(where):
            if found and start < found[-1][1]:
                start, end = found[-1][0], max(end, found.pop()[1])
            found.append((start, end))
    return [
        Number(start, end, tuple(place for place in range(start, end) if plain[place].isdigit()))
        for start, end in found
    ]


class _Run:
    """Digits that only separators divide, in groups. To find the numbers takes the same time for
    each group, because the sums for a check digit are known up to each digit.
    """

    def __init__(self, plain: str, start: int, end: int) -> None:
        self._plain = plain
        self._groups = [group.span() for group in _GROUP.finditer(plain, start, end)]
        self._pieces = [plain[start:end].replace(NOTHING, "") for start, end in self._groups]
        self._digits = "".join(self._pieces)
        self._sums = luhn_sums(self._digits)
        self._edges = list(accumulate(map(len, self._pieces), initial=0))
        self._group_at = {edge: index for index, edge in enumerate(self._edges)}

    def numbers(self, kind: Kind) -> Iterator[tuple[int, int]]:
        """Start and end of each card number in the text; they may overlap."""
        for first, begin in enumerate(self._edges[:-1]):
            if len(self._digits) - begin < SHORTEST:
                return
            known = lengths_of(self._digits[begin : begin + 8])
            for size in self._sizes(first, known):
                stop = self._group_at[begin + size]
                checked = luhn_in(self._sums, begin, begin + size)
                if (checked or size in known.unchecked) and self._is_card(
                    first, stop, kind, known, checked=checked
                ):
                    yield self._groups[first][0], self._groups[stop - 1][1]
                    break

    def _sizes(self, first: int, known: Lengths) -> list[int]:
        """The possible lengths of a number from this group on that end with a group. The most
        likely first: one piece, all that is left, a usual length, the longest.
        """
        begin, piece = self._edges[first], len(self._pieces[first])
        left = len(self._digits) - begin
        return sorted(
            (size for size in known.possible if begin + size in self._group_at),
            key=lambda size: (size != piece, size != left, size not in known.usual, -size),
        )

    def _is_card(self, first: int, stop: int, kind: Kind, known: Lengths, *, checked: bool) -> bool:
        """Whether the groups from `first` to before `stop` are a card number where they stand."""
        digits = "".join(self._pieces[first:stop])
        sizes = tuple(map(len, self._pieces[first:stop]))
        start, end = self._groups[first][0], self._groups[stop - 1][1]
        if len(sizes) == 1 and _is_fraction(self._plain, start):
            return False
        in_hexadecimal = _is_part_of_hexadecimal(self._plain, start, end)
        if kind is Kind.IDENTIFIER:
            return checked and not in_hexadecimal and _is_card_as_id(digits, sizes)
        if not in_hexadecimal and (len(sizes) == 1 or _is_grouped(sizes)):
            return True
        between = {
            self._plain[self._groups[i][1] : self._groups[i + 1][0]].replace(NOTHING, "")
            for i in range(first, stop - 1)
        }
        return checked and len(digits) in known.usual and between <= _SINGLE


def _is_card_as_id(digits: str, sizes: tuple[int, ...]) -> bool:
    """Whether digits in groups of these sizes are enough evidence where ids are usual, once the
    check digit is valid.
    """
    usual = len(digits) in lengths_of(digits).usual
    return usual and (len(sizes) == 1 or sizes in _ON_CARDS) and not _DATED(digits)


def _is_grouped(sizes: tuple[int, ...]) -> bool:
    """Whether groups are long ones with a rest, as on a card, or equal ones."""
    *most, last = sizes
    return min(most) >= 4 or (len(set(most)) == 1 and last <= most[0])


def _is_fraction(plain: str, start: int) -> bool:
    """Whether the digits from here on are behind a decimal point."""
    return start >= 2 and plain[start - 1] == "." and plain[start - 2].isdigit()


def _is_part_of_hexadecimal(plain: str, start: int, end: int) -> bool:
    """Whether the digits are in a word of digits and the letters A to F."""
    if not (plain[max(0, start - 1) : start].isalpha() or plain[end : end + 1].isalpha()):
        return False
    before, after = _WORD_BEFORE(plain, max(0, start - LABEL), start), _WORD_AFTER(plain, end)
    word = f"{before and before.group()}{plain[start:end]}{after and after.group()}"
    return _HEXADECIMAL(word) is not None


def _kind_at(text: str, start: int, kind: Kind) -> Kind:
    """What a number is by the words right before it, else by its field."""
    if start < 2:
        return kind
    words = words_of(text[max(0, start - LABEL) : start])[-LABEL_WORDS:]
    said = identifies([word for word in words if word != "at"])  # it names a time in names only
    if said is None:
        return kind
    return Kind.IDENTIFIER if said else Kind.TEXT
