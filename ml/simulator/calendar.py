"""When people buy: weekday, season and sales; and who is on a trip. Nothing here draws from a
generator: the same date gives the same result in every run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Orders of each day, Monday first, compared with the average day.
_WEEKDAY = np.array([1.0, 0.96, 0.97, 1.0, 1.12, 1.22, 1.08])
SALE_EVERY, SALE_RUSH, SALE_PRICE = 29, 2.2, 0.85
"""About once a month there is a sale: more than twice the orders, at lower prices."""
SEASON_RUSH, SEASON_PRICE = 0.35, 1.15
"""More orders and higher amounts from late November to Christmas."""
TRIP_DAYS, TRIP_SHARE = 6, 0.06
"""Length of a trip, and the share of customers who are on one."""
_HOLIDAY_FACTOR = 2.0
"""In July and August twice as many customers are on a trip."""


def weight_of_day(day: datetime) -> float:
    """Number of orders of a day, compared with an average day (1.0)."""
    weight = float(_WEEKDAY[day.weekday()])
    if is_sale(day):
        weight *= SALE_RUSH
    if in_season(day):
        weight *= 1 + SEASON_RUSH
    return weight


def price_of_day(day: datetime) -> float:
    """Amount of an order on that day, compared with an average day (1.0)."""
    sale_price = SALE_PRICE if is_sale(day) else 1.0
    season_price = SEASON_PRICE if in_season(day) else 1.0
    return sale_price * season_price


def is_sale(day: datetime) -> bool:
    """Whether the day has a sale; a multiplicative hash (Knuth) spreads the sales over the year."""
    return day.toordinal() * 2_654_435_761 % 2**32 % SALE_EVERY == 0


def in_season(day: datetime) -> bool:
    """Whether the day is in the Christmas season."""
    return (day.month, day.day) >= (11, 20) and (day.month, day.day) <= (12, 23)


def days_of(start: datetime, days: float) -> list[datetime]:
    """The dates from `start` on that `days` days reach, at least one."""
    return [start + timedelta(days=number) for number in range(max(1, int(np.ceil(days))))]


def trips(users: Array, ordinal: Array, month: Array, seed: int) -> Array:
    """Where each user is on a date: 0 at home, else a number from 1 to 1,000 that stands for the
    destination. Trips last six days. `users`, `ordinal` (of the date), `month`: int64, one entry
    for each purchase.
    """
    period = (ordinal + users % TRIP_DAYS) // TRIP_DAYS
    random_bits = _mix_bits(
        users.astype(np.uint64) * np.uint64(1_000_003)
        + period.astype(np.uint64)
        + np.uint64(seed) * np.uint64(7_919)
    )
    share = np.where((month == 7) | (month == 8), TRIP_SHARE * _HOLIDAY_FACTOR, TRIP_SHARE)
    travels = (random_bits % np.uint64(100_000)).astype(np.int64) < share * 100_000
    destination = (random_bits >> np.uint64(40)).astype(np.int64) % 1_000 + 1
    trip: Array = np.where(travels, destination, 0)
    return trip


def _mix_bits(value: Array) -> Array:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): it turns neighbouring numbers
    into unrelated ones. uint64.
    """
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = value ^ (value >> np.uint64(31))
    return mixed
