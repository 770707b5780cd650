"""The accepted currencies and their minor units (ISO 4217), and the value of one unit in euro.

Every active currency that has a minor unit is accepted. Codes without one are no currencies that
anybody pays in: metals (XAU), baskets (XDR), tests (XTS), none (XXX). The rates are fixed reference
values and must never come from a market feed: the model needs all amounts on one scale, and a rate
that changed between training and serving would be a train/serve skew. A currency without a rate is
accepted as well; its amount in euro is missing. Amounts shown to people are always in the currency
of the transaction.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from iso4217 import Currency
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

_WITHDRAWN = {"BGN": 2}
"""Accepted by an earlier version, so stored transactions have them; Bulgaria pays in euro now."""
_MINOR_DIGITS = _WITHDRAWN | {
    one.code: one.exponent for one in Currency if one.exponent is not None
}
_EURO_PER_UNIT = {
    "EUR": 1.0, "USD": 0.92, "GBP": 1.17, "CHF": 1.05, "SEK": 0.087, "NOK": 0.086, "DKK": 0.134,
    "PLN": 0.23, "CZK": 0.040, "HUF": 0.0025, "RON": 0.20, "BGN": 0.511, "TRY": 0.028,
    "UAH": 0.023, "CAD": 0.67, "AUD": 0.60, "NZD": 0.56, "JPY": 0.0061, "CNY": 0.127,
    "HKD": 0.118, "SGD": 0.69, "KRW": 0.00067, "INR": 0.011, "THB": 0.026, "IDR": 0.000058,
    "PHP": 0.016, "BRL": 0.17, "MXN": 0.050, "ARS": 0.0010, "CLP": 0.00098, "ZAR": 0.050,
    "NGN": 0.00060, "AED": 0.25, "SAR": 0.245, "ILS": 0.25, "KWD": 3.0,
}  # fmt: skip
_ASCII_UPPER = {ord(lower): ord(lower) - 32 for lower in "abcdefghijklmnopqrstuvwxyz"}
"""`str.upper` would also turn letters such as ſ into ASCII ones."""


def _accepted(code: str) -> str:
    if code in _MINOR_DIGITS:
        return code
    code = code.translate(_ASCII_UPPER)
    if code not in _MINOR_DIGITS:
        raise ValueError("not an active currency of ISO 4217 that has a minor unit, such as EUR")
    return code


Code = Annotated[
    str,
    AfterValidator(_accepted),
    Field(
        description="ISO 4217, in any case: every active currency that has a minor unit",
        examples=["EUR"],
        json_schema_extra={"pattern": "^[A-Za-z]{3}$"},
    ),
]


TOO_PRECISE = "amount_too_precise"
"""Type of the error of an amount with more decimal digits than its currency has; its context has
`code` and `digits`.
"""


def minor_digits(code: str) -> int:
    """Digits after the decimal point (ISO 4217). Raises `KeyError` for an unknown currency."""
    return _MINOR_DIGITS[code]


def euro_per_unit(code: str) -> float:
    """The value of one unit in euro. Raises `KeyError` when no rate is known."""
    return _EURO_PER_UNIT[code]


def has_euro_rate(code: str) -> bool:
    """Whether the value of one unit in euro is known."""
    return code in _EURO_PER_UNIT


def exact(amount: Decimal, code: str) -> Decimal:
    """The amount with no more decimal digits than its currency (`code`) has, and no sign before 0.
    Raises an error of type `TOO_PRECISE`, a `ValueError`, when that would change it.
    """
    digits = minor_digits(code)
    # Not `normalize`: it rounds to 28 digits, and what is too small for its exponent becomes 0.
    sign, coefficient, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or (not sign and -digits <= exponent <= 0):
        return amount
    if exponent < -digits and any(coefficient[digits + exponent :]):
        raise PydanticCustomError(
            TOO_PRECISE,
            "{code} has {digits} digits after the point",
            {"code": code, "digits": digits, "field": "amount"},
        )
    return abs(rounded(amount, code))


def rounded(amount: Decimal, code: str) -> Decimal:
    """The amount rounded half to even to the digits of its currency."""
    return amount.quantize(Decimal(1).scaleb(-minor_digits(code)))


def euro_cents(amount: Decimal, code: str) -> int | None:
    """The amount in euro cents, rounded half to even; None when no rate is known.

    >>> euro_cents(Decimal("129.90"), "EUR"), euro_cents(Decimal("1000"), "JPY")
    (12990, 610)
    >>> euro_cents(Decimal("1000"), "ISK") is None
    True
    """
    rate = _EURO_PER_UNIT.get(code)
    return None if rate is None else round(float(amount) * rate * 100)
