"""First digits, lengths and check digits of card numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.contracts.card_ranges import (
    LONGEST,
    SCHEMES,
    SHORTEST,
    lengths_of,
    luhn_in,
    luhn_sums,
    passes_luhn,
)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_the_first_and_the_last_number_of_each_range_are_known(scheme):
    for part in scheme.ranges.split():
        low, _, high = part.partition("-")
        for begin in (low.ljust(8, "0"), (high or low).ljust(8, "9")):
            known = lengths_of(begin)
            assert set(scheme.lengths) <= known.possible
            assert set(scheme.usual) <= known.usual
            assert scheme.has_check_digit or set(scheme.usual) <= known.unchecked


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.name)
def test_lengths_are_those_of_card_numbers(scheme):
    assert set(scheme.usual) <= set(scheme.lengths) <= set(range(SHORTEST, LONGEST + 1))


@pytest.mark.parametrize("begin", ["22199999", "27210000", "00000000", "99999999", "70000000"])
def test_what_is_next_to_a_range_is_of_no_scheme(begin):
    assert not lengths_of(begin).possible


def test_most_numbers_of_a_scheme_are_checked():
    assert not lengths_of("41111111").unchecked
    assert lengths_of("62000000").unchecked == {16, 19}


@given(st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_check_digit_is_valid(body):
    assert sum(passes_luhn(body + check) for check in "0123456789") == 1


@given(st.text("0123456789", min_size=2, max_size=40), st.data())
def test_the_sums_tell_the_check_digit_of_every_part(digits, data):
    first = data.draw(st.integers(0, len(digits) - 2))
    end = data.draw(st.integers(first + 1, len(digits)))
    assert luhn_in(luhn_sums(digits), first, end) == passes_luhn(digits[first:end])
