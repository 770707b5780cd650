"""Honest purchases: habits of each customer, households and offices that share an address, trips,
sales, and series of purchases. They must contain what looks like fraud and is none.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from fraud_app.contracts.transaction import Category
from ml.simulator import calendar
from ml.simulator.calendar import Array
from ml.simulator.fraud import Purchase
from ml.simulator.population import CATEGORIES, CITIES, Population

SPREE_SHARE = 0.06
"""Share of the purchases that follow another one within minutes."""
_CATEGORY = tuple(Category)
_TYPICAL = np.array([CATEGORIES[category][1] for category in _CATEGORY])
_SPREAD = np.array([CATEGORIES[category][2] for category in _CATEGORY])
_GIFT_CARDS = _CATEGORY.index(Category.GIFT_CARDS)
_VISITED = np.cumsum([city.weight for city in CITIES]) / sum(city.weight for city in CITIES)
"""Cumulative shares of the destinations: people travel to where people live."""
_LATITUDE = np.array([city.latitude for city in CITIES])
_LONGITUDE = np.array([city.longitude for city in CITIES])


def honest_purchases(
    population: Population, rng: np.random.Generator, start: datetime, days: float, count: int
) -> list[Purchase]:
    """`count` honest purchases within `days` days from `start`, in no order."""
    single = _single(population, rng, start, days, round(count * (1 - SPREE_SHARE)))
    return [*single, *_sprees(single, rng, count - len(single))]


def _single(
    population: Population, rng: np.random.Generator, start: datetime, days: float, count: int
) -> list[Purchase]:
    """`count` purchases that are independent of each other."""
    users = rng.choice(population.users, count, p=population.rate / population.rate.sum())
    day, date = _moments(population, rng, start, days, users)
    dates = calendar.days_of(start, days)
    price = np.array([calendar.price_of_day(day_date) for day_date in dates])[date]
    ordinal = np.array([day_date.toordinal() for day_date in dates])[date]
    month = np.array([day_date.month for day_date in dates])[date]
    weekday = np.array([day_date.weekday() for day_date in dates])[date]
    merchant = np.where(
        rng.random(count) < 0.7,
        population.favourites[users, rng.integers(0, 6, count)],
        rng.choice(population.merchants, count, p=population.merchant_weight),
    )
    category = population.merchant_category[merchant]
    amount = (
        _TYPICAL[category]
        * population.spending[users]
        * np.exp(_SPREAD[category] * rng.normal(0, 1, count))
        * price
    )
    amount = np.where(rng.random(count) < 0.03, amount * rng.uniform(3, 9, count), amount)
    amount = np.where(
        category == _GIFT_CARDS, 10 * np.maximum(1, np.round(amount / 10)), np.maximum(amount, 0.5)
    )
    trip = calendar.trips(users, ordinal, month, population.seed)
    travels = trip > 0
    destination = np.searchsorted(_VISITED, (trip - 1) / 1000, side="right")
    city = np.where(travels, destination, population.city[users])
    noise = 0.1 * rng.normal(0, 1, count)
    latitude = np.where(travels, _LATITUDE[city] + noise, population.latitude[users])
    longitude = np.where(travels, _LONGITUDE[city], population.longitude[users])
    is_hidden = rng.random(count) < 0.06
    places = zip(latitude.tolist(), longitude.tolist(), is_hidden.tolist(), strict=True)
    hour = (day % 1.0) * 24
    return list(
        map(
            Purchase,
            day.tolist(),
            [f"u{user}" for user in users.tolist()],
            amount.tolist(),
            merchant.tolist(),
            [_CATEGORY[code] for code in category.tolist()],
            city.tolist(),
            [None if hidden else (north, east) for north, east, hidden in places],
            _devices(population, rng, users),
            _addresses(population, rng, users, travels, city, hour, weekday),
            [
                f"u{user}-{int(second)}"
                for user, second in zip(users.tolist(), rng.random(count) > 0.85, strict=True)
            ],
            population.card_country_city[users].tolist(),
            (rng.random(count) < 0.05).tolist(),
            [None] * count,
        )
    )


def _moments(
    population: Population, rng: np.random.Generator, start: datetime, days: float, users: Array
) -> tuple[Array, Array]:
    """When each purchase happens, in days since the start, and the index of its date."""
    count = len(users)
    if days < 1:
        return rng.random(count) * days, np.zeros(count, dtype=np.int64)
    dates = calendar.days_of(start, days)
    weight = np.array([calendar.weight_of_day(day_date) for day_date in dates])
    date = rng.choice(len(weight), count, p=weight / weight.sum())
    hour = (population.habit_hour[users] + rng.normal(0, population.habit_spread[users])) % 24
    day = date + hour / 24
    outside = day >= days
    return np.where(outside, day - 1, day), np.where(outside, date - 1, date)


def _devices(population: Population, rng: np.random.Generator, users: Array) -> list[str | None]:
    """The customer's own device, one of the household, or a new one; None for the few customers who
    never send it.
    """
    luck, fresh = rng.random(len(users)), rng.random(len(users))
    own = (luck * population.device_count[users]).astype(np.int64)
    withheld = population.withholds_device[users] | (luck > 0.98)
    columns = (users, own, population.household[users], fresh, withheld)
    return [
        None
        if hidden
        else f"u{user}-new{int(new * 1e6)}"
        if new < 0.05
        else f"h{household}"
        if household >= 0 and new > 0.85
        else f"u{user}-{device}"
        for user, device, household, new, hidden in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _addresses(
    population: Population,
    rng: np.random.Generator,
    users: Array,
    travels: Array,
    city: Array,
    hour: Array,
    weekday: Array,
) -> list[str]:
    """An address at home, at the office (one for sixty customers), or of a mobile carrier's gateway
    that thousands share.
    """
    count = len(users)
    roaming = (rng.random(count) < 0.35) | travels
    working = (
        (population.office[users] >= 0)
        & (weekday < 5)
        & (hour > 9)
        & (hour < 17)
        & (rng.random(count) < 0.6)
        & ~travels
    )
    columns = (
        users,
        roaming,
        working,
        population.carrier_ip[users],
        city,
        population.office[users],
        population.household[users],
    )
    return [
        f"office{office}"
        if works
        else f"carrier{carrier}-{CITIES[city_index].country}"
        if roams
        else f"home-h{household}"
        if household >= 0
        else f"home-u{user}"
        for user, roams, works, carrier, city_index, office, household in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _sprees(single: list[Purchase], rng: np.random.Generator, count: int) -> list[Purchase]:
    """Honest customers who buy several times within minutes: presents, games, a declined card that
    is tried again.
    """
    purchases: list[Purchase] = []
    while single and len(purchases) < count:
        first = single[int(rng.integers(len(single)))]
        for _ in range(int(rng.integers(1, 7))):
            day = first.day + float(rng.uniform(1, 50)) / 1440
            if int(day) == int(first.day):
                amount = (
                    first.amount
                    if rng.random() < 0.5
                    else first.amount * float(rng.lognormal(0, 0.7))
                )
                purchases.append(
                    first._replace(day=day, amount=amount, declined=bool(rng.random() < 0.15))
                )
    return purchases[:count]
