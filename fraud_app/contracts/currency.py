"""The accepted currencies, their minor units (ISO 4217) and the value of one unit in euro. The
rates are fixed reference values and must never come from a market feed: the model needs all amounts
on one scale, and a rate that changed between training and serving would be a train/serve skew.
Amounts shown to people are always in the currency of the transaction.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

# code: (digits after the decimal point, euro per unit)
_CURRENCIES: dict[str, tuple[int, float]] = {
    "EUR": (2, 1.0), "USD": (2, 0.92), "GBP": (2, 1.17), "CHF": (2, 1.05),
    "SEK": (2, 0.087), "NOK": (2, 0.086), "DKK": (2, 0.134), "PLN": (2, 0.23),
    "CZK": (2, 0.040), "HUF": (2, 0.0025), "RON": (2, 0.20), "BGN": (2, 0.511),
    "TRY": (2, 0.028), "UAH": (2, 0.023), "CAD": (2, 0.67), "AUD": (2, 0.60),
    "NZD": (2, 0.56), "JPY": (0, 0.0061), "CNY": (2, 0.127), "HKD": (2, 0.118),
    "SGD": (2, 0.69), "KRW": (0, 0.00067), "INR": (2, 0.011), "THB": (2, 0.026),
    "IDR": (2, 0.000058), "PHP": (2, 0.016), "BRL": (2, 0.17), "MXN": (2, 0.050),
    "ARS": (2, 0.0010), "CLP": (0, 0.00098), "ZAR": (2, 0.050), "NGN": (2, 0.00060),
    "AED": (2, 0.25), "SAR": (2, 0.245), "ILS": (2, 0.25), "KWD": (3, 3.0),
}  # fmt: skip


def _accepted(code: str) -> str:
    code = code.upper()
    if code not in _CURRENCIES:
        raise ValueError(f"not an accepted currency; one of {', '.join(sorted(_CURRENCIES))}")
    return code


Code = Annotated[str, AfterValidator(_accepted), Field(description="ISO 4217", examples=["EUR"])]


TOO_PRECISE = "amount_too_precise"
"""Type of the error of an amount with more decimal digits than its currency has."""


def minor_digits(code: str) -> int:
    """Digits after the decimal point (ISO 4217). Raises `KeyError` for an unknown currency."""
    return _CURRENCIES[code][0]


def euro_per_unit(code: str) -> float:
    """The value of one unit in euro. Raises `KeyError` for an unknown currency."""
    return _CURRENCIES[code][1]


def check_precision(amount: Decimal, code: str) -> None:
    """Raise an error of type `TOO_PRECISE`, a `ValueError`, when the amount has more decimal digits
    than its currency (`code`).
    """
    digits = minor_digits(code)
    # Not `normalize`: it rounds to 28 digits, and what is too small for its exponent becomes 0.
    _, coefficient, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or exponent >= -digits:
        return
    excess = -exponent - digits
    if excess >= len(coefficient) or any(coefficient[-excess:]):
        raise PydanticCustomError(
            TOO_PRECISE,
            "amount: {code} has {digits} digits after the point",
            {"code": code, "digits": digits, "field": "amount"},
        )


def euro_cents(amount: Decimal, code: str) -> int:
    """The amount in euro cents, rounded half to even.

    >>> euro_cents(Decimal("129.90"), "EUR"), euro_cents(Decimal("1000"), "JPY")
    (12990, 610)
    """
    return round(float(amount) * _CURRENCIES[code][1] * 100)
