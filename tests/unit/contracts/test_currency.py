"""Currencies: amounts on one scale."""

from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts import currency


@given(st.decimals("0.01", "1000000", places=2))
def test_euro_are_their_own_cents(amount):
    assert currency.euro_cents(amount, "EUR") == int(amount * 100)
