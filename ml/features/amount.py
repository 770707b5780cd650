"""How this amount compares with what the user usually pays."""

from __future__ import annotations

import math

from ml.behaviour import Behaviour
from ml.event import Event
from ml.features.feature import Feature
from ml.latest import Lately

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


def compute(behaviour: Behaviour, event: Event, lately: Lately) -> tuple[float, ...]:
    cents = event.amount_cents
    amounts = sorted(lately.amount_cents)
    if not amounts:
        return cents / 100.0, math.nan, math.nan, math.nan
    middle = median(amounts)
    return (
        cents / 100.0,
        cents / max(behaviour.amount_max_cents, 1),
        cents / max(middle, 1.0),
        robust_z(cents, amounts, middle) if len(amounts) >= ENOUGH_FOR_A_SPREAD else math.nan,
    )


def robust_z(cents: int, ordered: list[int], middle: float) -> float:
    """Distance from the median in robust standard deviations, held within ±50."""
    spread = 1.4826 * median(sorted([abs(value - middle) for value in ordered]))
    spread = max(spread, LEAST_SPREAD_CENTS, LEAST_SPREAD_SHARE * middle)
    return max(-Z_BOUND, min(Z_BOUND, (cents - middle) / spread))


def median(ordered: list[int] | list[float]) -> float:
    """Median of a list that is in order already.

    >>> median([1, 2, 3, 10])
    2.5
    """
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0
