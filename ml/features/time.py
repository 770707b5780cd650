"""When the payment happens, against the user's habit."""

from __future__ import annotations

import math

import numpy as np

from ml.features.feature import Feature
from ml.profile.event import CLOCK_SKEW_S, OCCURRED_MS, RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.layout import FIRST_MS, LAST_MS, PAYMENTS, hour_count
from ml.profile.windows import DAY_MS, HOUR_MS

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


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    hour = event[OCCURRED_MS] // HOUR_MS % 24
    total = 0
    for other in range(24):
        total += hour_count(words, other)
    near = (
        hour_count(words, (hour + 23) % 24)
        + hour_count(words, hour)
        + hour_count(words, (hour + 1) % 24)
    )
    seen = words[PAYMENTS] > 0
    return (
        max(0.0, (event[RECEIVED_MS] - words[LAST_MS]) / 1000.0) if seen else math.nan,
        max(0.0, (event[RECEIVED_MS] - words[FIRST_MS]) / DAY_MS) if seen else math.nan,
        float(words[PAYMENTS]),
        float(hour),
        near / total if total >= ENOUGH_FOR_A_HABIT else math.nan,
        event.view(np.float64)[CLOCK_SKEW_S],
    )
