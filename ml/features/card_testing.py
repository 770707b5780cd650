"""Signs that stolen cards are being tried: refusals, and a large amount after small ones."""

from __future__ import annotations

from ml.event import Event
from ml.features.feature import Feature
from ml.latest import Lately

FEATURES = (
    Feature("declined", "card_testing", "flag", "1 when the issuer declined this payment", "declined by the card's issuer"),
    Feature("declines_1h", "card_testing", "declines", "declined payments in the last hour, of the latest 32",
            "{value} in the last hour", rising=True),
    Feature("declines_24h", "card_testing", "declines", "declined payments in the last 24 hours, of the latest 32",
            "{value} in 24 hours", rising=True),
    Feature("amount_to_smallest_1h", "card_testing", "ratio",
            "amount over the smallest of the last hour; 1 when there was none", "{value} the smallest payment of the last hour"),
)  # fmt: skip


def compute(event: Event, lately: Lately) -> tuple[float, ...]:
    smallest = min(lately.amount_cents[lately.hour], default=event.amount_cents)
    return (
        float(event.declined),
        float(sum(lately.declined[lately.hour])),
        float(sum(lately.declined[lately.day])),
        event.amount_cents / max(smallest, 1),
    )
