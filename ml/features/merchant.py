"""The merchant and what is bought."""

from __future__ import annotations

import math

from ml.features.feature import Feature, flag
from ml.profile.event import CATEGORY, MERCHANT, MERCHANT_RATE
from ml.profile.jit import Floats, Words, jit
from ml.profile.known_entities import NEVER, first_seen
from ml.profile.layout import CATEGORY_MASK, MERCHANTS_SEEN, PAYMENTS, count_of, start_of

FEATURES = (
    Feature("merchant_is_new", "merchant", "flag", "1 when the merchant is not among the user's latest 12", "first payment to this merchant"),
    Feature("category", "merchant", "code", "what is bought", "what is bought: {value}", categorical=True),
    Feature("category_is_new", "merchant", "flag", "1 when the user never bought in this category", "first purchase in this category"),
    Feature("merchant_rate", "merchant", "ratio",
            "payments to the merchant in the last 10 to 20 minutes against its usual over 24 hours",
            "merchant {value} its usual rate", shared=True),
)  # fmt: skip


@jit
def compute(words: Words, event: Words, shared: Floats) -> tuple[float, ...]:
    known_before = words[PAYMENTS] > 0
    first_s = first_seen(
        words, start_of(words, MERCHANTS_SEEN), count_of(words, MERCHANTS_SEEN), event[MERCHANT]
    )
    return (
        flag(first_s == NEVER) if known_before else math.nan,
        float(event[CATEGORY]),
        flag(not words[CATEGORY_MASK] >> event[CATEGORY] & 1) if known_before else math.nan,
        shared[MERCHANT_RATE],
    )
