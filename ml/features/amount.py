"""How this amount compares with what the user usually pays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ml.features.feature import Feature
from ml.profile.event import AMOUNT_CENTS
from ml.profile.jit import Floats, Words, jit
from ml.profile.layout import AMOUNT_MAX_CENTS, PARTS, RECENT, start_of
from ml.profile.recent import MAX_RECENT, write_amounts

FEATURES = (
    Feature("amount", "amount", "EUR", "amount of this payment in euro", "amount of {value}"),
    Feature("amount_to_max", "amount", "ratio", "amount over the user's largest so far", "{value} the user's largest payment so far"),
    Feature("amount_to_median", "amount", "ratio", "amount over the median of the user's latest 32", "{value} the user's usual amount"),
    Feature("amount_robust_z", "amount", "deviations",
            "(amount - median) / (1.4826 × median absolute deviation) of the user's latest 32, from 3 payments on; "
            "Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)",
            "amount {value} from the user's usual"),
)  # fmt: skip

ENOUGH_FOR_A_SPREAD = 3
# A user who always pays the same has a spread of 0; one euro or 5 % of the median keeps z finite.
LEAST_SPREAD_CENTS, LEAST_SPREAD_SHARE = 100.0, 0.05
Z_BOUND = 50.0


@jit
def put_in_order(values: Any, count: int) -> None:
    """The first so many ascending. They are few: inserting each at its place is quickest."""
    for place in range(1, count):
        value, to = values[place], place
        while to > 0 and values[to - 1] > value:
            values[to] = values[to - 1]
            to -= 1
        values[to] = value


@jit
def median(ordered: Floats | Words, count: int) -> float:
    """Median of the first so many, which are in order already."""
    half = count // 2
    return float(ordered[half]) if count % 2 else (ordered[half - 1] + ordered[half]) / 2.0


@jit
def robust_z(cents: int, amounts: Words, count: int, middle: float) -> float:
    """Distance from the median in robust standard deviations, held within ±50."""
    away = np.empty(MAX_RECENT, np.float64)
    for place in range(count):
        away[place] = abs(amounts[place] - middle)
    put_in_order(away, count)
    spread = max(1.4826 * median(away, count), LEAST_SPREAD_CENTS, LEAST_SPREAD_SHARE * middle)
    return max(-Z_BOUND, min(Z_BOUND, (cents - middle) / spread))


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    cents, count = event[AMOUNT_CENTS], words[RECENT]
    if not count:
        return cents / 100.0, math.nan, math.nan, math.nan
    amounts = np.empty(MAX_RECENT, np.int64)
    write_amounts(words, start_of(words, PARTS), count, amounts)
    put_in_order(amounts, count)
    middle = median(amounts, count)
    return (
        cents / 100.0,
        cents / max(words[AMOUNT_MAX_CENTS], 1),
        cents / max(middle, 1.0),
        robust_z(cents, amounts, count, middle) if count >= ENOUGH_FOR_A_SPREAD else math.nan,
    )
