"""The merchant, and the category of what is bought."""

from __future__ import annotations

import math

from ml.features.feature import Feature, flag
from ml.profile.event import CATEGORY, MERCHANT, MERCHANT_RATE
from ml.profile.jit import Floats, Words, jit
from ml.profile.known_entities import NEVER, first_seen
from ml.profile.layout import CATEGORY_MASK, MERCHANTS_SEEN, TRANSACTIONS, part_of

FEATURES = (
    Feature("merchant_is_new", "merchant", "flag",
            "1 when the merchant is not among the user's latest 12",
            "first payment to this merchant"),
    Feature("category", "merchant", "code",
            "what is bought", "what is bought: {value}", categorical=True),
    Feature("category_is_new", "merchant", "flag",
            "1 when the user never bought in this category", "first purchase in this category"),
    Feature("merchant_rate", "merchant", "ratio",
            "payments to the merchant in the last 10 to 20 minutes against its usual over 24 hours",
            "merchant {value} its usual rate", shared=True),
)  # fmt: skip


@jit
def compute(words: Words, event: Words, signals: Floats) -> tuple[float, ...]:
    """`merchant_is_new` (flag), `category` (code), `category_is_new` (flag), `merchant_rate`
    (ratio).

    Flags are NaN for a new user; the rate is NaN when the merchant had no transaction the day
    before or Redis was unavailable.
    """
    has_history = words[TRANSACTIONS] > 0
    merchant_first_s = first_seen(part_of(words, MERCHANTS_SEEN), event[MERCHANT])
    is_category_known = words[CATEGORY_MASK] >> event[CATEGORY] & 1
    return (
        flag(merchant_first_s == NEVER) if has_history else math.nan,
        float(event[CATEGORY]),
        flag(not is_category_known) if has_history else math.nan,
        signals[MERCHANT_RATE],
    )
