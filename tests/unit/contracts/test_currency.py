"""Currencies: which are accepted, and amounts on one scale."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency
from pydantic import TypeAdapter, ValidationError

from fraud_app.contracts import currency
from ml.simulator.population import CITIES

CODE = TypeAdapter(currency.Code)

# From ISO 4217, list one of 2026-01-01. CLDR has 0 digits for HUF, COP and IDR.
MINOR_DIGITS = {
    "EUR": 2, "HUF": 2, "COP": 2, "IDR": 2, "ISK": 0, "VND": 0, "XOF": 0, "UGX": 0, "BHD": 3,
    "TND": 3, "CLF": 4, "UYW": 4, "CHE": 2, "XCG": 2, "ZWG": 2,
}  # fmt: skip


@pytest.mark.parametrize(("code", "digits"), MINOR_DIGITS.items())
def test_every_active_currency_is_accepted_with_its_minor_unit(code, digits):
    assert CODE.validate_python(code) == CODE.validate_python(code.lower()) == code
    assert currency.minor_digits(code) == digits


def test_all_codes_with_a_minor_unit_are_accepted_and_no_others():
    accepted = set()
    for one in Currency:
        try:
            accepted.add(CODE.validate_python(one.code))
        except ValidationError:
            assert one.exponent is None, one
    assert len(accepted) == sum(one.exponent is not None for one in Currency) > 150


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "XDR", "HRK", "DEM", "EURO", "uſd", "", "€"])
def test_what_nobody_pays_in_is_refused(code):
    with pytest.raises(ValidationError, match="ISO 4217"):
        CODE.validate_python(code)


def test_a_currency_that_is_withdrawn_is_read_as_before():
    assert CODE.validate_python("bgn") == "BGN"


def test_an_amount_without_a_rate_has_no_euro():
    assert currency.euro_cents(Decimal(100), "ISK") is None
    assert not currency.has_euro_rate("ISK")
    assert currency.euro_cents(Decimal(100), "a code of tomorrow") is None


def test_the_simulator_pays_in_currencies_with_a_rate():
    assert all(currency.has_euro_rate(city.currency) for city in CITIES)


@given(st.decimals("0.01", "1000000", places=2))
def test_euro_are_their_own_cents(amount):
    assert currency.euro_cents(amount, "EUR") == int(amount * 100)


@given(st.decimals(0, 10**10, allow_nan=False), st.sampled_from(sorted(MINOR_DIGITS)))
def test_an_exact_amount_is_equal_and_has_no_more_digits_than_its_currency(amount, code):
    try:
        exact = currency.exact(amount, code)
    except ValueError:
        assert currency.rounded(amount, code) != amount
    else:
        assert exact == amount
        assert currency.rounded(exact, code) == exact
        assert -int(exact.as_tuple().exponent) <= currency.minor_digits(code)
        assert not exact.is_signed()
