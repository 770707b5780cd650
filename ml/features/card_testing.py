"""Signs that stolen cards are being tried: refusals, and a large amount after small ones."""

from __future__ import annotations

from ml.features.feature import Feature
from ml.profile.event import AMOUNT_CENTS, DECLINED, RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.layout import PARTS, RECENT, start_of
from ml.profile.recent import CENTS, SIZE, WAS_DECLINED, is_within, value
from ml.profile.windows import DAY_MS, HOUR_MS

FEATURES = (
    Feature("declined", "card_testing", "flag", "1 when the issuer declined this payment", "declined by the card's issuer"),
    Feature("declines_1h", "card_testing", "declines", "declined payments in the last hour, of the latest 32",
            "{value} in the last hour", rising=True),
    Feature("declines_24h", "card_testing", "declines", "declined payments in the last 24 hours, of the latest 32",
            "{value} in 24 hours", rising=True),
    Feature("amount_to_smallest_1h", "card_testing", "ratio",
            "amount over the smallest of the last hour; 1 when there was none", "{value} the smallest payment of the last hour"),
)  # fmt: skip


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    now, at = event[RECEIVED_MS], start_of(words, PARTS)
    smallest, in_hour, in_day, nothing_yet = event[AMOUNT_CENTS], 0, 0, True
    for place in range(at, at + SIZE * words[RECENT], SIZE):
        if is_within(words, place, now, DAY_MS):
            in_day += value(words, place, WAS_DECLINED)
        if is_within(words, place, now, HOUR_MS):
            in_hour += value(words, place, WAS_DECLINED)
            smallest = words[place + CENTS] if nothing_yet else min(smallest, words[place + CENTS])
            nothing_yet = False
    return (
        float(event[DECLINED]),
        float(in_hour),
        float(in_day),
        event[AMOUNT_CENTS] / max(smallest, 1),
    )
