"""How fast this user is paying: counts and sums before this transaction, over sliding windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ml.behaviour import DAY_MS, HOUR_MS, MINUTE_MS, WINDOWS, Behaviour, Recent, in_window
from ml.event import Event
from ml.features.feature import Feature

_RECEIVED = Recent._fields.index("received_ms")

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


class Lately(NamedTuple):
    """Of the user's latest payments, those before the event."""

    day: Sequence[Recent]
    hour: Sequence[Recent]


def lately(behaviour: Behaviour, event: Event) -> Lately:
    """The payments of the last 24 hours and of the last hour."""
    now = event.received_ms
    day = since(behaviour.recent, now - DAY_MS, now)
    return Lately(day, since(day, now - HOUR_MS, now))


def compute(behaviour: Behaviour, event: Event, latest: Lately) -> tuple[float, ...]:
    now = event.received_ms
    (ten, _), (hour, hour_cents), (day, day_cents), (week, week_cents) = (
        in_window(buckets, window, now) for buckets, window in zip(behaviour.windows, WINDOWS, strict=True)
    )
    last_day, last_hour = latest
    return (
        float(len(since(last_hour, now - MINUTE_MS, now))),
        float(ten),
        float(hour),
        float(day),
        float(week),
        hour_cents / 100.0,
        day_cents / 100.0,
        week_cents / 100.0,
        float(len({entry.merchant for entry in last_hour})),
        float(len({entry.merchant for entry in last_day})),
        float(len({entry.device for entry in last_day if entry.device})),
        float(len({entry.country for entry in last_day if entry.country})),
    )


def since(recent: Sequence[Recent], start_ms: int, now_ms: int) -> Sequence[Recent]:
    """Those of the payments that were received after `start_ms` and not after `now_ms`."""
    if not recent:
        return recent
    return [entry for entry in recent if start_ms < entry[_RECEIVED] <= now_ms]
