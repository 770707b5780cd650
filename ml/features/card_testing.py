"""Signs of card testing: declined transactions, and a large amount after small ones."""

from __future__ import annotations

import math

from ml.features.feature import Feature
from ml.profile.event import AMOUNT_CENTS, DECLINED, NO_AMOUNT, RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.layout import recent_of
from ml.profile.recent import (
    CENTS,
    DECLINED_FIELD,
    TRANSACTION_WORDS,
    field_value,
    is_within,
)
from ml.profile.windows import DAY_MS, HOUR_MS

FEATURES = (
    Feature("declined", "card_testing", "flag",
            "1 when the issuer declined this payment", "declined by the card's issuer"),
    Feature("declines_1h", "card_testing", "declines",
            "declined payments in the last hour, of the latest 32", "{value} in the last hour",
            rising=True),
    Feature("declines_24h", "card_testing", "declines",
            "declined payments in the last 24 hours, of the latest 32", "{value} in 24 hours",
            rising=True),
    Feature("amount_to_smallest_1h", "card_testing", "ratio",
            "amount over the smallest of the last hour; 1 when there was none",
            "{value} the smallest payment of the last hour"),
)  # fmt: skip


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    """`declined` (flag), `declines_1h` and `declines_24h` (counts before this transaction),
    `amount_to_smallest_1h` (ratio), which is NaN when the amount is missing.
    """
    now_ms, recent, cents = event[RECEIVED_MS], recent_of(words), event[AMOUNT_CENTS]
    smallest_cents, hour_declines, day_declines, is_first = cents, 0, 0, True
    for start in range(0, len(recent), TRANSACTION_WORDS):
        declined = field_value(recent, start, DECLINED_FIELD)
        if is_within(recent, start, now_ms, DAY_MS):
            day_declines += declined
        if is_within(recent, start, now_ms, HOUR_MS):
            hour_declines += declined
            earlier_cents = recent[start + CENTS]
            if earlier_cents != NO_AMOUNT:
                smallest_cents = earlier_cents if is_first else min(smallest_cents, earlier_cents)
                is_first = False
    return (
        float(event[DECLINED]),
        float(hour_declines),
        float(day_declines),
        math.nan if cents == NO_AMOUNT else cents / max(smallest_cents, 1),
    )
