"""When people buy: time of day, weekday, season and sales; and who is on a trip. The same date
gives the same for every run.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_WEEKDAY = np.array([1.0, 0.96, 0.97, 1.0, 1.12, 1.22, 1.08])
SALE_EVERY, SALE_RUSH, SALE_PRICE = 29, 2.2, 0.85
"""About once a month a day of sale: more than twice the orders, somewhat cheaper."""
SEASON_RUSH, SEASON_PRICE = 0.35, 1.15
"""From late November to Christmas."""
TRIP_DAYS, TRIP_SHARE = 6, 0.06
_HOLIDAY_FACTOR = 2.0
"""In July and August twice as many are on a trip."""


def weight_of_day(day: datetime) -> float:
    """How many orders a day sees, against an average one."""
    weight = float(_WEEKDAY[day.weekday()])
    if is_sale(day):
        weight *= SALE_RUSH
    if in_season(day):
        weight *= 1 + SEASON_RUSH
    return weight


def price_of_day(day: datetime) -> float:
    """What people spend on an order that day, against an average one."""
    return (SALE_PRICE if is_sale(day) else 1.0) * (SEASON_PRICE if in_season(day) else 1.0)


def is_sale(day: datetime) -> bool:
    return day.toordinal() * 2_654_435_761 % 2**32 % SALE_EVERY == 0


def in_season(day: datetime) -> bool:
    return (day.month, day.day) >= (11, 20) and (day.month, day.day) <= (12, 23)


def days_of(start: datetime, days: float) -> list[datetime]:
    """The dates that a stretch touches."""
    return [start + timedelta(days=number) for number in range(max(1, int(np.ceil(days))))]


def trips(users: Array, ordinal: Array, month: Array, seed: int) -> Array:
    """For each (user, date): a number from 1 on that stands for where the user travels, 0 at home.
    Trips last six days.
    """
    period = (ordinal + users % TRIP_DAYS) // TRIP_DAYS
    dice = _mixed(
        users.astype(np.uint64) * np.uint64(1_000_003)
        + period.astype(np.uint64)
        + np.uint64(seed) * np.uint64(7_919)
    )
    share = np.where((month == 7) | (month == 8), TRIP_SHARE * _HOLIDAY_FACTOR, TRIP_SHARE)
    travels = (dice % np.uint64(100_000)).astype(np.int64) < share * 100_000
    place: Array = np.where(travels, (dice >> np.uint64(40)).astype(np.int64) % 1_000 + 1, 0)
    return place


def _mixed(value: Array) -> Array:
    """SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): neighbouring numbers become
    unrelated ones.
    """
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = value ^ (value >> np.uint64(31))
    return mixed
