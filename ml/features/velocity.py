"""Velocity: how much this user bought before this transaction, over sliding windows."""

from __future__ import annotations

from ml.features.feature import Feature
from ml.profile.event import RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.layout import part_of, recent_of
from ml.profile.recent import (
    COUNTRY_FIELD,
    DEVICE_FIELD,
    MERCHANT_FIELD,
    count_distinct,
    count_received,
)
from ml.profile.windows import DAY_MS, HOUR_MS, MINUTE_MS, in_window

FEATURES = (
    Feature("tx_count_1m", "velocity", "payments",
            "payments in the last minute (at most 32)", "{value} in the last minute"),
    Feature("tx_count_10m", "velocity", "payments",
            "payments in the last 10 minutes", "{value} in 10 minutes"),
    Feature("tx_count_1h", "velocity", "payments",
            "payments in the last hour", "{value} in an hour"),
    Feature("tx_count_24h", "velocity", "payments",
            "payments in the last 24 hours", "{value} in 24 hours"),
    Feature("tx_count_7d", "velocity", "payments",
            "payments in the last 7 days", "{value} in 7 days"),
    Feature("amount_sum_1h", "velocity", "EUR",
            "spent in the last hour", "{value} spent in the last hour"),
    Feature("amount_sum_24h", "velocity", "EUR",
            "spent in the last 24 hours", "{value} spent in the last 24 hours"),
    Feature("amount_sum_7d", "velocity", "EUR",
            "spent in the last 7 days", "{value} spent in the last 7 days"),
    Feature("merchants_1h", "velocity", "merchants",
            "different merchants in the last hour, of the latest 32 payments",
            "{value} in an hour"),
    Feature("merchants_24h", "velocity", "merchants",
            "different merchants in the last 24 hours, of the latest 32 payments",
            "{value} in 24 hours"),
    Feature("devices_24h", "velocity", "devices",
            "different devices in the last 24 hours, of the latest 32 payments",
            "{value} in 24 hours", rising=True),
    Feature("countries_24h", "velocity", "countries",
            "different countries in the last 24 hours, of the latest 32 payments",
            "{value} in 24 hours", rising=True),
)  # fmt: skip

# Index of each window in `windows.WINDOWS`, which is also its part of the profile.
TEN_MINUTES, HOUR, DAY, WEEK = range(4)


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    """Twelve features in the order of `FEATURES`: five counts of transactions, three sums in euro,
    two counts of merchants, one of devices, one of countries. Never NaN: 0 for a new user.

    `words`: the user's profile before the event.
    """
    now_ms, recent = event[RECEIVED_MS], recent_of(words)
    ten_minute_count, _ = in_window(part_of(words, TEN_MINUTES), TEN_MINUTES, now_ms)
    hour_count, hour_cents = in_window(part_of(words, HOUR), HOUR, now_ms)
    day_count, day_cents = in_window(part_of(words, DAY), DAY, now_ms)
    week_count, week_cents = in_window(part_of(words, WEEK), WEEK, now_ms)
    return (
        float(count_received(recent, now_ms, MINUTE_MS)),
        float(ten_minute_count),
        float(hour_count),
        float(day_count),
        float(week_count),
        hour_cents / 100.0,
        day_cents / 100.0,
        week_cents / 100.0,
        float(count_distinct(recent, now_ms, HOUR_MS, MERCHANT_FIELD)),
        float(count_distinct(recent, now_ms, DAY_MS, MERCHANT_FIELD)),
        float(count_distinct(recent, now_ms, DAY_MS, DEVICE_FIELD)),
        float(count_distinct(recent, now_ms, DAY_MS, COUNTRY_FIELD)),
    )
