"""The ways that fraud is done here. Each scenario tells one incident as a list of purchases.

Almost half of the fraudsters hide: near the victim's place, with modest amounts. No model should
find all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fraud_app.contracts.transaction import Category
from ml.simulator.population import CITIES, FOREIGN_TO_FRAUD, Population

MINUTE = 1 / 1440
HOUR = 1 / 24
CAREFUL = 0.45


class Purchase(NamedTuple):
    """A purchase before it is put into a shop's words. `day`: days since the start of the traffic;
    `amount`: euro.
    """

    day: float
    user: str
    amount: float
    merchant: int
    category: Category
    city: int
    place: tuple[float, float] | None
    device: str | None
    address: str
    card: str
    card_city: int
    declined: bool
    scenario: str | None


Story = Callable[[Population, np.random.Generator, float, int], list[Purchase]]


def card_testing(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A bot tries stolen cards on one account with tiny payments, many refused; then sometimes one
    large purchase.
    """
    city = (
        int(rng.choice(FOREIGN_TO_FRAUD)) if rng.random() < 0.6 else int(rng.integers(len(CITIES)))
    )
    shops = population.merchants_of(Category.DIGITAL_GOODS, Category.DONATIONS, Category.GAMING)
    shop = int(rng.choice(shops))
    tries = int(rng.integers(5, 19))
    made = []
    for attempt in range(tries):
        day += float(rng.exponential(0.7)) * MINUTE
        made.append(
            _purchase(
                population,
                rng,
                day,
                f"x{incident}",
                shop,
                city,
                f"ring{incident % 40}",
                f"bot{incident}",
                f"stolen{incident}-{attempt}",
                float(rng.uniform(0.5, 5)),
                declined=bool(rng.random() < 0.6),
            )
        )
    if rng.random() < 0.5:
        big = int(rng.choice(population.merchants_of(Category.ELECTRONICS, Category.GIFT_CARDS)))
        made.append(
            _purchase(
                population,
                rng,
                day + float(rng.uniform(2, 30)) * MINUTE,
                f"x{incident}",
                big,
                city,
                f"ring{incident % 40}",
                f"bot{incident}",
                f"stolen{incident}-{tries - 1}",
                float(rng.lognormal(5.6, 0.5)),
            )
        )
    return made


def account_takeover(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A known customer's account, buying dear things with the stored card; the careful do it from
    the victim's own device.
    """
    user = int(rng.choice(population.users, p=population.rate / population.rate.sum()))
    careful = rng.random() < CAREFUL
    city = int(population.city[user]) if careful else int(rng.choice(FOREIGN_TO_FRAUD))
    device, address = (
        (f"u{user}-0", f"home-u{user}") if careful else (f"thief{incident}", f"thief{incident}")
    )
    made = []
    for _ in range(int(rng.integers(1, 3 if careful else 6))):
        shop = int(
            rng.choice(
                population.merchants_of(Category.ELECTRONICS, Category.GIFT_CARDS, Category.FASHION)
            )
        )
        amount = float(rng.lognormal(4.6 if careful else 5.3, 0.7) * population.spending[user])
        made.append(
            _purchase(
                population,
                rng,
                day,
                f"u{user}",
                shop,
                city,
                device,
                address,
                f"u{user}-0",
                amount,
                card_city=int(population.card_country_city[user]),
            )
        )
        day += float(rng.uniform(3, 45)) * MINUTE
    return made


def stolen_card(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A fresh account pays with a card from another country; the ring uses its devices again and
    again.
    """
    careful = rng.random() < CAREFUL
    card_city = int(rng.integers(len(CITIES)))
    city = card_city if careful else int(rng.choice(FOREIGN_TO_FRAUD))
    ring = f"fresh{incident}" if careful else f"ring{int(rng.integers(60))}-{int(day) // 4}"
    card = (
        f"stolen{incident}"
        if rng.random() < 0.7
        else f"sold{int(rng.integers(100))}-{int(day) // 7}"
    )
    made = []
    for order in range(1 if careful else int(rng.integers(1, 4))):
        shop = int(
            rng.choice(
                population.merchants_of(Category.ELECTRONICS, Category.FASHION, Category.TRAVEL)
            )
        )
        made.append(
            _purchase(
                population,
                rng,
                day,
                f"x{incident}",
                shop,
                city,
                ring,
                f"{ring}-net",
                card,
                float(rng.lognormal(4.7 if careful else 5.3, 0.7)),
                card_city=card_city,
                declined=bool(order == 0 and rng.random() < 0.2),
            )
        )
        day += float(rng.uniform(2, 120)) * MINUTE
    return made


def merchant_compromise(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A shop's stored cards leaked: within hours many customers' cards are charged there, without
    their devices.
    """
    shop = int(rng.integers(population.merchants))
    made = []
    for _ in range(int(rng.integers(8, 25))):
        user = int(rng.integers(population.users))
        at = day + float(rng.uniform(0, 18)) * HOUR
        made.append(
            _purchase(
                population,
                rng,
                at,
                f"u{user}",
                shop,
                int(population.city[user]),
                None,
                f"home-u{user}",
                f"u{user}-0",
                float(rng.lognormal(4.0, 0.5)),
                card_city=int(population.card_country_city[user]),
            )
        )
    return made


def gift_card_cashout(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """Round gift cards, one after the other, from a device that many accounts share."""
    known = rng.random() < 0.5
    user = int(rng.integers(population.users))
    city = int(population.city[user]) if known else int(rng.choice(FOREIGN_TO_FRAUD))
    ring = f"farm{int(rng.integers(30))}-{int(day) // 3}"
    made = []
    for _ in range(int(rng.integers(3, 9))):
        shop = int(rng.choice(population.merchants_of(Category.GIFT_CARDS)))
        made.append(
            _purchase(
                population,
                rng,
                day,
                f"u{user}" if known else f"x{incident}",
                shop,
                city,
                ring,
                f"{ring}-net",
                f"u{user}-0" if known else f"stolen{incident}",
                float(rng.choice([50, 100, 100, 200, 250])),
                card_city=int(population.card_country_city[user])
                if known
                else int(rng.integers(len(CITIES))),
            )
        )
        day += float(rng.uniform(1, 12)) * MINUTE
    return made


def low_and_slow(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """Fraudsters who learned: a known account, its own country and usual amounts, a device kept for
    weeks, a purchase every other day.
    """
    user = int(rng.choice(population.users, p=population.rate / population.rate.sum()))
    device = f"patient{incident % 50}"
    made = []
    for _ in range(int(rng.integers(2, 7))):
        shop = int(rng.choice(population.favourites[user]))
        amount = float(rng.lognormal(3.9, 0.5) * population.spending[user])
        made.append(
            _purchase(
                population,
                rng,
                day,
                f"u{user}",
                shop,
                int(population.city[user]),
                device,
                f"{device}-net",
                f"u{user}-0",
                amount,
                card_city=int(population.card_country_city[user]),
            )
        )
        day += float(rng.uniform(0.5, 3))
    return made


SCENARIOS: dict[str, tuple[float, Story]] = {
    "card_testing": (0.07, card_testing),
    "account_takeover": (0.32, account_takeover),
    "stolen_card": (0.34, stolen_card),
    "low_and_slow": (0.08, low_and_slow),
    "merchant_compromise": (0.05, merchant_compromise),
    "gift_card_cashout": (0.14, gift_card_cashout),
}
"""Name: how often an incident is of this kind, and its story."""


def _purchase(
    population: Population,
    rng: np.random.Generator,
    day: float,
    user: str,
    merchant: int,
    city: int,
    device: str | None,
    address: str,
    card: str,
    amount: float,
    *,
    card_city: int | None = None,
    declined: bool = False,
) -> Purchase:
    place = (
        CITIES[city].latitude + float(rng.normal(0, 0.2)),
        CITIES[city].longitude + float(rng.normal(0, 0.2)),
    )
    return Purchase(
        day=day,
        user=user,
        amount=amount,
        merchant=merchant,
        category=tuple(Category)[population.merchant_category[merchant]],
        city=city,
        place=None if rng.random() < 0.15 else place,
        device=device,
        address=address,
        card=card,
        card_city=city if card_city is None else card_city,
        declined=declined,
        scenario=None,
    )
