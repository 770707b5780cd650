"""How fast this user is paying: counts and sums before this transaction, over sliding windows."""

from __future__ import annotations

from ml.features.feature import Feature
from ml.profile.event import RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.layout import PARTS, RECENT, count_of, start_of
from ml.profile.recent import OF_COUNTRY, OF_DEVICE, OF_MERCHANT, count_distinct, count_received
from ml.profile.windows import DAY_MS, HOUR_MS, MINUTE_MS, in_window

FEATURES = (
    Feature("tx_count_1m", "velocity", "payments", "payments in the last minute (at most 32)", "{value} in the last minute"),
    Feature("tx_count_10m", "velocity", "payments", "payments in the last 10 minutes", "{value} in 10 minutes"),
    Feature("tx_count_1h", "velocity", "payments", "payments in the last hour", "{value} in an hour"),
    Feature("tx_count_24h", "velocity", "payments", "payments in the last 24 hours", "{value} in 24 hours"),
    Feature("tx_count_7d", "velocity", "payments", "payments in the last 7 days", "{value} in 7 days"),
    Feature("amount_sum_1h", "velocity", "EUR", "spent in the last hour", "{value} spent in the last hour"),
    Feature("amount_sum_24h", "velocity", "EUR", "spent in the last 24 hours", "{value} spent in the last 24 hours"),
    Feature("amount_sum_7d", "velocity", "EUR", "spent in the last 7 days", "{value} spent in the last 7 days"),
    Feature("merchants_1h", "velocity", "merchants", "different merchants in the last hour, of the latest 32 payments",
            "{value} in an hour"),
    Feature("merchants_24h", "velocity", "merchants", "different merchants in the last 24 hours, of the latest 32 payments",
            "{value} in 24 hours"),
    Feature("devices_24h", "velocity", "devices", "different devices in the last 24 hours, of the latest 32 payments",
            "{value} in 24 hours", rising=True),
    Feature("countries_24h", "velocity", "countries", "different countries in the last 24 hours, of the latest 32 payments",
            "{value} in 24 hours", rising=True),
)  # fmt: skip


@jit
def _window(words: Words, number: int, now_ms: int) -> tuple[int, int]:
    return in_window(words, start_of(words, number), count_of(words, number), number, now_ms)


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    now = event[RECEIVED_MS]
    ten, _ = _window(words, 0, now)
    hour, hour_cents = _window(words, 1, now)
    day, day_cents = _window(words, 2, now)
    week, week_cents = _window(words, 3, now)
    at, payments = start_of(words, PARTS), words[RECENT]
    return (
        float(count_received(words, at, payments, now, MINUTE_MS)),
        float(ten),
        float(hour),
        float(day),
        float(week),
        hour_cents / 100.0,
        day_cents / 100.0,
        week_cents / 100.0,
        float(count_distinct(words, at, payments, now, HOUR_MS, OF_MERCHANT)),
        float(count_distinct(words, at, payments, now, DAY_MS, OF_MERCHANT)),
        float(count_distinct(words, at, payments, now, DAY_MS, OF_DEVICE)),
        float(count_distinct(words, at, payments, now, DAY_MS, OF_COUNTRY)),
    )
