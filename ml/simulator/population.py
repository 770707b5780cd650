"""Customers and merchants: where they live, how often and what they buy. Arrays with one entry for
each customer. Nothing here may depend on a date or on fraud.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fraud_app.contracts.transaction import Category

Array = npt.NDArray[Any]


class City(NamedTuple):
    """A city, its place in degrees, and how many customers live there (a weight)."""

    country: str
    currency: str
    latitude: float
    longitude: float
    weight: float


CITIES = (
    City("DE", "EUR", 52.52, 13.40, 12), City("DE", "EUR", 48.14, 11.58, 9),
    City("DE", "EUR", 53.55, 9.99, 6), City("FR", "EUR", 48.86, 2.35, 10),
    City("FR", "EUR", 45.76, 4.84, 4), City("GB", "GBP", 51.51, -0.13, 12),
    City("GB", "GBP", 53.48, -2.24, 5), City("NL", "EUR", 52.37, 4.90, 6),
    City("ES", "EUR", 40.42, -3.70, 7), City("IT", "EUR", 45.46, 9.19, 7),
    City("PL", "PLN", 52.23, 21.01, 6), City("SE", "SEK", 59.33, 18.07, 4),
    City("AT", "EUR", 48.21, 16.37, 3), City("CH", "CHF", 47.37, 8.54, 3),
    City("US", "USD", 40.71, -74.01, 5), City("US", "USD", 34.05, -118.24, 3),
    City("RO", "RON", 44.43, 26.10, 2), City("BR", "BRL", -23.55, -46.63, 1.5),
    City("NG", "NGN", 6.52, 3.38, 0.8), City("ID", "IDR", -6.21, 106.85, 0.8),
    City("TR", "TRY", 41.01, 28.98, 1.5),
)  # fmt: skip
FOREIGN_TO_FRAUD = (17, 18, 19, 20, 16, 14)
"""Indices of cities from which stolen cards are used more often than customers live there."""

# category: (share of purchases, median amount in euro, spread of the logarithm)
CATEGORIES: dict[Category, tuple[float, float, float]] = {
    Category.GROCERIES: (0.24, 38, 0.6), Category.FASHION: (0.17, 55, 0.7),
    Category.ELECTRONICS: (0.11, 140, 1.0), Category.HOME: (0.11, 60, 0.9),
    Category.BEAUTY: (0.08, 32, 0.6), Category.SPORTS: (0.06, 58, 0.7),
    Category.TRAVEL: (0.04, 260, 0.9), Category.GAMING: (0.06, 24, 0.8),
    Category.DIGITAL_GOODS: (0.06, 12, 0.8), Category.GIFT_CARDS: (0.025, 50, 0.5),
    Category.DONATIONS: (0.015, 20, 0.7), Category.OTHER: (0.03, 40, 0.9),
}  # fmt: skip

MEDIAN_PAYMENTS_PER_DAY, RATE_SPREAD, MOST_PAYMENTS_PER_DAY = 0.35, 1.1, 30.0
# Most customers of a shop buy once or twice: a model that has never seen honest new customers takes
# each for a thief.
REGULAR_SHARE, OCCASIONAL_PAYMENTS_PER_DAY = 0.05, 0.01
TRANSACTIONS_PER_CUSTOMER_AND_DAY = 0.042
"""Mean number of transactions over all customers."""


class Population:
    """`users` customers and `merchants` shops; the same seed gives the same ones."""

    def __init__(self, seed: int, users: int, merchants: int = 400) -> None:
        rng = np.random.Generator(np.random.PCG64([seed, 1]))
        self.seed, self.users = seed, users
        weights = np.array([city.weight for city in CITIES])
        self.city = rng.choice(len(CITIES), users, p=weights / weights.sum())
        city_latitude = np.array([city.latitude for city in CITIES])
        city_longitude = np.array([city.longitude for city in CITIES])
        self.latitude = city_latitude[self.city] + rng.normal(0, 0.15, users)
        self.longitude = city_longitude[self.city] + rng.normal(0, 0.2, users)
        regular = np.minimum(
            rng.lognormal(np.log(MEDIAN_PAYMENTS_PER_DAY), RATE_SPREAD, users),
            MOST_PAYMENTS_PER_DAY,
        )
        self.rate = np.where(
            rng.random(users) < REGULAR_SHARE, regular, OCCASIONAL_PAYMENTS_PER_DAY
        )
        self.spending = rng.lognormal(0.0, 0.45, users)
        self.habit_hour = rng.choice(24, users, p=_waking_hours())
        self.habit_spread = rng.uniform(1.5, 5.0, users)
        self.device_count = rng.choice([1, 2, 3], users, p=[0.5, 0.38, 0.12])
        self.household = np.where(
            rng.random(users) < 0.18, rng.integers(0, max(users // 3, 1), users), -1
        )
        """Customers of one household share an address and sometimes a device."""
        self.office = np.where(
            rng.random(users) < 0.25, rng.integers(0, max(users // 240, 1), users), -1
        )
        """About sixty colleagues share an address during working hours."""
        self.carrier_ip = rng.integers(0, max(users // 40, 4), users)
        self.expatriate = rng.random(users) < 0.06
        self.withholds_device = rng.random(users) < 0.08
        self.card_country_city = np.where(
            self.expatriate, rng.choice(len(CITIES), users, p=weights / weights.sum()), self.city
        )
        self.merchants = merchants
        shares = np.array([CATEGORIES[category][0] for category in Category])
        self.merchant_category = rng.choice(len(Category), merchants, p=shares / shares.sum())
        popularity = 1.0 / np.arange(1, merchants + 1) ** 0.8
        self.merchant_weight = rng.permutation(popularity / popularity.sum())
        self.favourites = rng.choice(merchants, (users, 6), p=self.merchant_weight)

    def merchants_of(self, *categories: Category) -> Array:
        """Indices of the merchants of these categories; all merchants when there are none."""
        codes = [list(Category).index(category) for category in categories]
        merchants = np.flatnonzero(np.isin(self.merchant_category, codes))
        return merchants if len(merchants) else np.arange(self.merchants)


def _waking_hours() -> Array:
    """Share of purchases in each hour of the day: a peak at noon, a higher one in the evening."""
    hours = np.arange(24)
    weight = 0.05 + np.exp(-((hours - 12) ** 2) / 18) + 1.3 * np.exp(-((hours - 19.5) ** 2) / 8)
    shares: Array = weight / weight.sum()
    return shares
