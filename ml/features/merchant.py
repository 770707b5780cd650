"""The merchant and what is bought."""

from __future__ import annotations

import math

from ml.behaviour import Behaviour
from ml.event import Event, Shared
from ml.features.feature import Feature
from ml.seen import first_seen

FEATURES = (
    Feature("merchant_is_new", "merchant", "flag", "1 when the merchant is not among the user's latest 12", "first payment to this merchant"),
    Feature("category", "merchant", "code", "what is bought", "what is bought: {value}", categorical=True),
    Feature("category_is_new", "merchant", "flag", "1 when the user never bought in this category", "first purchase in this category"),
    Feature("merchant_rate", "merchant", "ratio",
            "payments to the merchant in the last 10 to 20 minutes against its usual over 24 hours",
            "merchant {value} its usual rate", shared=True),
)  # fmt: skip


def compute(behaviour: Behaviour, event: Event, shared: Shared) -> tuple[float, ...]:
    known_before = behaviour.payments > 0
    return (
        float(first_seen(behaviour.merchants, event.merchant) is None) if known_before else math.nan,
        float(event.category),
        float(not behaviour.category_mask >> event.category & 1) if known_before else math.nan,
        shared.merchant_rate,
    )
