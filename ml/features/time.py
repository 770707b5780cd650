"""When the payment happens, against the user's habit."""

from __future__ import annotations

import math

from ml.behaviour import Behaviour
from ml.event import Event
from ml.features.feature import Feature
from ml.windows import DAY_MS, HOUR_MS

FEATURES = (
    Feature("seconds_since_last", "time", "s", "since the user's last payment", "{value} after the last payment"),
    Feature("account_age_days", "time", "days", "since the user's first payment here; missing for the first", "customer known for {value}"),
    Feature("user_tx_count", "time", "payments", "payments of this user so far", "{value} by this customer so far"),
    Feature("hour_of_day", "time", "hour", "hour in UTC, by the customer's clock", "paid at {value} UTC"),
    Feature("hour_habit", "time", "share", "share of the user's payments within an hour of this hour; from 3 payments on",
            "only {value} of this customer's payments are at this hour"),
    Feature("clock_skew", "time", "s", "client's clock minus ours", "client's clock off by {value}"),
)  # fmt: skip

ENOUGH_FOR_A_HABIT = 3


def compute(behaviour: Behaviour, event: Event) -> tuple[float, ...]:
    hour = event.occurred_ms // HOUR_MS % 24
    total = sum(behaviour.hours)
    near = behaviour.hours[hour - 1] + behaviour.hours[hour] + behaviour.hours[(hour + 1) % 24]
    seen = behaviour.payments > 0
    return (
        max(0.0, (event.received_ms - behaviour.last_ms) / 1000.0) if seen else math.nan,
        max(0.0, (event.received_ms - behaviour.first_ms) / DAY_MS) if seen else math.nan,
        float(behaviour.payments),
        float(hour),
        near / total if total >= ENOUGH_FOR_A_HABIT else math.nan,
        event.clock_skew_s,
    )
