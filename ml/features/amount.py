"""How this amount compares with the amounts that the user usually pays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ml.features.feature import Feature
from ml.profile.event import AMOUNT_CENTS, NO_AMOUNT
from ml.profile.jit import Floats, Words, jit
from ml.profile.layout import AMOUNT_MAX_CENTS, recent_of
from ml.profile.recent import MAX_RECENT, write_amounts

FEATURES = (
    Feature("amount", "amount", "EUR", "amount of this payment in euro", "amount of {value}"),
    Feature("amount_to_max", "amount", "ratio",
            "amount over the user's largest so far", "{value} the user's largest payment so far"),
    Feature("amount_to_median", "amount", "ratio",
            "amount over the median of the user's latest 32", "{value} the user's usual amount"),
    Feature("amount_robust_z", "amount", "deviations",
            "(amount - median) / (1.4826 × median absolute deviation) of the user's latest 32, "
            "from 3 payments on; Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)",
            "amount {value} from the user's usual"),
)  # fmt: skip

# Two amounts always lie at the same distance from their median: they show no spread.
MIN_TRANSACTIONS_FOR_SPREAD = 3
# A user who always pays the same has a spread of 0; one euro or 5 % of the median keeps z finite.
MIN_SPREAD_CENTS, MIN_SPREAD_SHARE = 100.0, 0.05
# Makes the median absolute deviation an estimate of the standard deviation of normal values.
MAD_TO_DEVIATION = 1.4826
Z_BOUND = 50.0


@jit
def sort_ascending(values: Any, count: int) -> None:
    """Sort the first `count` values in place. They are few, so insertion sort is the fastest."""
    for index in range(1, count):
        value, to = values[index], index
        while to > 0 and values[to - 1] > value:
            values[to] = values[to - 1]
            to -= 1
        values[to] = value


@jit
def median(ordered: Floats | Words, count: int) -> float:
    """Median of the first `count` values, which must be sorted; count > 0."""
    half = count // 2
    return float(ordered[half]) if count % 2 else (ordered[half - 1] + ordered[half]) / 2.0


@jit
def robust_z(cents: int, amounts: Words, count: int, median_cents: float) -> float:
    """Distance of `cents` from the median in robust standard deviations, clamped to ±50."""
    deviations = np.empty(MAX_RECENT, np.float64)
    for index in range(count):
        deviations[index] = abs(amounts[index] - median_cents)
    sort_ascending(deviations, count)
    measured = MAD_TO_DEVIATION * median(deviations, count)
    spread = max(measured, MIN_SPREAD_CENTS, MIN_SPREAD_SHARE * median_cents)
    return max(-Z_BOUND, min(Z_BOUND, (cents - median_cents) / spread))


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    """`amount` (euro), `amount_to_max` and `amount_to_median` (ratios), `amount_robust_z` (robust
    standard deviations, ±50).

    All are NaN when the amount is missing. All but `amount` are NaN when no amount of the latest
    transactions is known, as for a new user; `amount_robust_z` also with fewer than 3 of them.
    """
    cents = event[AMOUNT_CENTS]
    if cents == NO_AMOUNT:
        return math.nan, math.nan, math.nan, math.nan
    amounts = np.empty(MAX_RECENT, np.int64)
    count = write_amounts(recent_of(words), amounts)
    if not count:
        return cents / 100.0, math.nan, math.nan, math.nan
    sort_ascending(amounts, count)
    median_cents = median(amounts, count)
    has_spread = count >= MIN_TRANSACTIONS_FOR_SPREAD
    return (
        cents / 100.0,
        cents / max(words[AMOUNT_MAX_CENTS], 1),
        cents / max(median_cents, 1.0),
        robust_z(cents, amounts, count, median_cents) if has_spread else math.nan,
    )
