"""The numbers that payment cards have: first digits and lengths of every scheme in use.

A table and its lookup, nothing else. As of 2026-11-27, from the tables that Wikipedia ("Payment
card number"), Discover Network (its JCB, Diners and UnionPay ranges), braintree's credit-card-type
and the test numbers of Adyen, CyberSource, Stripe and iyzico give. Where they differ, the wider one
is here: a range too many costs a mask, a range too few costs a card.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

SHORTEST, LONGEST = 12, 19
"""Digits of a card number (ISO/IEC 7812-1 allows 8; the shortest in use are Maestro's)."""


class Scheme(NamedTuple):
    name: str
    ranges: str
    """First digits, "2221-2720" for a range; at most eight digits."""
    lengths: range | tuple[int, ...]
    usual: tuple[int, ...] = (16,)
    """Lengths that nearly all its cards have; they are better evidence than the others."""
    has_check_digit: bool = True
    """Whether every number passes the Luhn test."""


SCHEMES = (
    Scheme("Visa", "4", (13, 16, 18, 19), (16, 19)),
    Scheme("Mastercard", "51-55 2221-2720", (16,)),
    Scheme("American Express", "34 37", (15,), (15,)),
    Scheme("Diners Club", "300-305 3095 36 38-39", range(14, 20), (14,)),
    Scheme("Discover", "6011 644-649 65", range(16, 20), (16, 19)),
    Scheme("JCB", "35", range(16, 20), (16, 19)),
    Scheme("JCB, in the network of Discover", "3088-3094 3096-3102 3112-3120 3158-3159 3337-3349",
           range(16, 20)),
    Scheme("JCB, issued before 2010", "2131", (15, 16), ()),
    # In 16 digits, microseconds of 2027 begin so.
    Scheme("JCB, issued before 2010, too", "1800", (15,), ()),
    # Numbers without a Luhn digit were issued until about 2018 (braintree/card-validator, 112).
    Scheme("UnionPay", "62", range(13, 20), (16, 19), has_check_digit=False),
    Scheme("UnionPay, abroad", "81", range(13, 20), (16, 19)),
    Scheme("Maestro", "50 56-64 66-69", range(12, 20), (16, 19)),
    Scheme("Maestro, as test data has it", "0604", range(12, 20), ()),
    Scheme("Mir", "2200-2204", range(16, 20), (16, 19)),
    Scheme("BORICA", "2205", (16,)),
    Scheme("RuPay", "60 65 81-82 508 353 356", (16,)),
    Scheme("Elo", "401178-401179 431274 438935 451416 457393 457631-457632 504175 506699-506778"
           " 509000-509999 627780 636297 636368 650031-655058", (16,)),
    Scheme("Hipercard", "384100 384140 384160 606282 637095 637568 637599 637609 637612",
           (13, 16, 19)),
    Scheme("Troy", "9792 65", (16,)),
    Scheme("Verve", "506099-506198 507865-507964 650002-650027", (16, 18, 19), (16, 19)),
    Scheme("UATP", "1", (15,), ()),
    Scheme("UzCard", "8600 5614", (16,)),
    Scheme("Humo", "9860", (16,)),
    Scheme("NAPAS", "9704", (16, 19), (16, 19)),
    Scheme("ArCa", "9051", (16,)),
    Scheme("BelCard", "9112", (16,)),
    Scheme("DinaCard", "9891", (16,)),
    Scheme("mada", "968201-968211 9682", (16,)),
    Scheme("Cards of Korea", "94", (16,), ()),
    Scheme("Shetab", "9919 5859 5892 6037 6104 6219 6221 6274", (16,)),
    Scheme("GPN", "1946", (16,), ()),
    Scheme("China T-Union", "31", (19,), ()),
    Scheme("Voyager", "8699", (15,), ()),
)  # fmt: skip


SHORTEST_USUAL = min(length for scheme in SCHEMES for length in scheme.usual)


class Lengths(NamedTuple):
    """What is known of the numbers that begin alike. Each is a set of lengths."""

    possible: frozenset[int] = frozenset()
    usual: frozenset[int] = frozenset()
    unchecked: frozenset[int] = frozenset()
    """Usual lengths of schemes that have numbers without a valid check digit."""


_DIGITS = 8


def _bounds(scheme: Scheme) -> list[tuple[int, int]]:
    """Its ranges as eight digits, the end not included."""
    bounds = []
    for part in scheme.ranges.split():
        low, _, high = part.partition("-")
        missing = 10 ** (_DIGITS - len(low))
        bounds.append((int(low) * missing, (int(high or low) + 1) * missing))
    return bounds


def _segments() -> tuple[list[int], list[Lengths]]:
    """All numbers of eight digits, cut where a range begins or ends."""
    ranges = [(low, high, scheme) for scheme in SCHEMES for low, high in _bounds(scheme)]
    starts = sorted({0} | {edge for low, high, _ in ranges for edge in (low, high)})
    lengths = []
    for start in starts:
        schemes = [scheme for low, high, scheme in ranges if low <= start < high]
        lengths.append(
            Lengths(
                frozenset(length for scheme in schemes for length in scheme.lengths),
                frozenset(length for scheme in schemes for length in scheme.usual),
                frozenset(
                    length
                    for scheme in schemes
                    if not scheme.has_check_digit
                    for length in scheme.usual
                ),
            )
        )
    return starts, lengths


_STARTS, _LENGTHS = _segments()


def lengths_of(digits: str) -> Lengths:
    """The lengths that cards beginning like these digits have; at least eight digits.

    >>> sorted(lengths_of("37828224").possible), sorted(lengths_of("99999999").possible)
    ([15], [])
    """
    return _LENGTHS[bisect_right(_STARTS, int(digits[:_DIGITS])) - 1]


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Twice a digit, and the digits of that added up."""


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).

    >>> passes_luhn("4111111111111111"), passes_luhn("4111111111111112")
    (True, False)
    """
    plain = sum(map(int, digits[-1::-2]))
    return (plain + sum(map(_DOUBLED.__getitem__, map(int, digits[-2::-2])))) % 10 == 0


def luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """The sums before each digit: once with the digits at odd places doubled, once at even ones."""
    values = list(map(int, digits))
    odd, even = values[:], values[:]
    odd[1::2] = map(_DOUBLED.__getitem__, values[1::2])
    even[::2] = map(_DOUBLED.__getitem__, values[::2])
    return list(accumulate(odd, initial=0)), list(accumulate(even, initial=0))


def luhn_in(sums: tuple[list[int], list[int]], first: int, end: int) -> bool:
    """`passes_luhn` of a part of the digits.

    >>> luhn_in(luhn_sums("04111111111111111"), 1, 17)
    True
    """
    part = sums[0] if end % 2 else sums[1]  # its last digit, at `end - 1`, is not doubled
    return (part[end] - part[first]) % 10 == 0
