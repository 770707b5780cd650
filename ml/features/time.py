"""When the transaction happens, compared with the user's habit."""

from __future__ import annotations

import math

import numpy as np

from ml.features.feature import Feature
from ml.profile.event import CLOCK_SKEW_S, OCCURRED_MS, RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.layout import FIRST_MS, LAST_MS, TRANSACTIONS, hour_count
from ml.profile.windows import DAY_MS, HOUR_MS

FEATURES = (
    Feature("seconds_since_last", "time", "s",
            "since the user's last payment", "{value} after the last payment"),
    Feature("account_age_days", "time", "days",
            "since the user's first payment here; missing for the first",
            "customer known for {value}"),
    Feature("user_tx_count", "time", "payments",
            "payments of this user so far", "{value} by this customer so far"),
    Feature("hour_of_day", "time", "hour",
            "hour in UTC, by the customer's clock", "paid at {value} UTC"),
    Feature("hour_habit", "time", "share",
            "share of the user's payments within an hour of this hour; from 3 payments on",
            "only {value} of this customer's payments are at this hour"),
    Feature("clock_skew", "time", "s",
            "client's clock minus ours", "client's clock off by {value}"),
)  # fmt: skip

# With fewer transactions a share by hour is only 0, a half or 1.
MIN_TRANSACTIONS_FOR_HABIT = 3


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    """`seconds_since_last` (s), `account_age_days` (days), `user_tx_count` (count), `hour_of_day`
    (0 to 23, UTC), `hour_habit` (share), `clock_skew` (s).

    The first two are NaN for a new user, `hour_habit` with fewer than 3 transactions. Times before
    the last or first transaction count as 0.
    """
    now_ms, hour = event[RECEIVED_MS], event[OCCURRED_MS] // HOUR_MS % 24
    total = 0
    for each_hour in range(24):
        total += hour_count(words, each_hour)
    near = (
        hour_count(words, (hour + 23) % 24)
        + hour_count(words, hour)
        + hour_count(words, (hour + 1) % 24)
    )
    has_history = words[TRANSACTIONS] > 0
    return (
        max(0.0, (now_ms - words[LAST_MS]) / 1000.0) if has_history else math.nan,
        max(0.0, (now_ms - words[FIRST_MS]) / DAY_MS) if has_history else math.nan,
        float(words[TRANSACTIONS]),
        float(hour),
        near / total if total >= MIN_TRANSACTIONS_FOR_HABIT else math.nan,
        event.view(np.float64)[CLOCK_SKEW_S],
    )
