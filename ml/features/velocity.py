"""How fast this user is paying: counts and sums before this transaction, over sliding windows."""

from __future__ import annotations

from ml.behaviour import Behaviour
from ml.event import Event
from ml.features.feature import Feature
from ml.latest import Lately
from ml.windows import WINDOWS, in_window

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

_MISSING = {0}


def compute(behaviour: Behaviour, event: Event, lately: Lately) -> tuple[float, ...]:
    (ten, _), (hour, hour_cents), (day, day_cents), (week, week_cents) = [
        in_window(packed, window, event.received_ms) for packed, window in zip(behaviour.windows, WINDOWS, strict=True)
    ]
    last_day, last_hour = lately.day, lately.hour
    return (
        float(len(lately.merchant[lately.minute])),
        float(ten),
        float(hour),
        float(day),
        float(week),
        hour_cents / 100.0,
        day_cents / 100.0,
        week_cents / 100.0,
        float(len(set(lately.merchant[last_hour]))),
        float(len(set(lately.merchant[last_day]))),
        float(len(set(lately.device[last_day]) - _MISSING)),
        float(len(set(lately.country[last_day]) - _MISSING)),
    )
