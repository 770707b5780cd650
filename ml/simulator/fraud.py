"""The kinds of fraud that the simulator makes. Each scenario gives one incident: a list of
purchases.

Almost half of the fraudsters hide: they buy near the victim's home, for modest amounts. No model
should detect all of them, and nothing in a purchase may tell the label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fraud_app.contracts.transaction import Category
from ml.simulator.population import CITIES, FOREIGN_TO_FRAUD, Population

# In days.
MINUTE = 1 / 1440
HOUR = 1 / 24
CAREFUL = 0.45
"""Share of the fraudsters that hide."""


class Purchase(NamedTuple):
    """A purchase before it is written as a shop would send it. `day`: days since the start of the
    traffic; `amount`: euro.
    """

    day: float
    user: str
    amount: float
    merchant: int
    category: Category
    city: int
    place: tuple[float, float] | None
    """Latitude and longitude in degrees."""
    device: str | None
    address: str
    card: str
    card_city: int
    declined: bool
    scenario: str | None


class Buyer(NamedTuple):
    """Who buys, from where and with what. Cities are indices in `CITIES`."""

    user: str
    city: int
    device: str | None
    address: str
    card: str
    card_city: int


Scenario = Callable[[Population, np.random.Generator, float, int], list[Purchase]]
"""Takes the day and the number of the incident."""


def card_testing(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A bot tries stolen cards on one account with tiny transactions, many of them declined; then
    sometimes one large purchase.
    """
    is_foreign = rng.random() < 0.6
    city = int(rng.choice(FOREIGN_TO_FRAUD)) if is_foreign else int(rng.integers(len(CITIES)))
    shops = population.merchants_of(Category.DIGITAL_GOODS, Category.DONATIONS, Category.GAMING)
    shop = int(rng.choice(shops))
    tries = int(rng.integers(5, 19))
    buyer = Buyer(f"x{incident}", city, f"ring{incident % 40}", f"bot{incident}", "", city)
    purchases = []
    for attempt in range(tries):
        day += float(rng.exponential(0.7)) * MINUTE
        buyer = buyer._replace(card=f"stolen{incident}-{attempt}")
        amount = float(rng.uniform(0.5, 5))
        declined = bool(rng.random() < 0.6)
        purchases.append(_purchase(population, rng, day, buyer, shop, amount, declined=declined))
    if rng.random() < 0.5:
        shop = int(rng.choice(population.merchants_of(Category.ELECTRONICS, Category.GIFT_CARDS)))
        day += float(rng.uniform(2, 30)) * MINUTE
        amount = float(rng.lognormal(5.6, 0.5))
        purchases.append(_purchase(population, rng, day, buyer, shop, amount))
    return purchases


def account_takeover(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """Somebody uses a customer's account to buy expensive things with the stored card; the careful
    ones use the victim's own device.
    """
    user = int(rng.choice(population.users, p=population.rate / population.rate.sum()))
    careful = rng.random() < CAREFUL
    buyer = _owner(population, user)
    if not careful:
        thief = f"thief{incident}"
        city = int(rng.choice(FOREIGN_TO_FRAUD))
        buyer = buyer._replace(city=city, device=thief, address=thief)
    shops = population.merchants_of(Category.ELECTRONICS, Category.GIFT_CARDS, Category.FASHION)
    purchases = []
    for _ in range(int(rng.integers(1, 3 if careful else 6))):
        shop = int(rng.choice(shops))
        amount = float(rng.lognormal(4.6 if careful else 5.3, 0.7) * population.spending[user])
        purchases.append(_purchase(population, rng, day, buyer, shop, amount))
        day += float(rng.uniform(3, 45)) * MINUTE
    return purchases


def stolen_card(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A new account pays with a card from another country; the ring uses its devices again and
    again.
    """
    careful = rng.random() < CAREFUL
    card_city = int(rng.integers(len(CITIES)))
    city = card_city if careful else int(rng.choice(FOREIGN_TO_FRAUD))
    ring = f"fresh{incident}" if careful else f"ring{int(rng.integers(60))}-{int(day) // 4}"
    is_own = rng.random() < 0.7
    card = f"stolen{incident}" if is_own else f"sold{int(rng.integers(100))}-{int(day) // 7}"
    buyer = Buyer(f"x{incident}", city, ring, f"{ring}-net", card, card_city)
    shops = population.merchants_of(Category.ELECTRONICS, Category.FASHION, Category.TRAVEL)
    purchases = []
    for order in range(1 if careful else int(rng.integers(1, 4))):
        shop = int(rng.choice(shops))
        amount = float(rng.lognormal(4.7 if careful else 5.3, 0.7))
        declined = bool(order == 0 and rng.random() < 0.2)
        purchases.append(_purchase(population, rng, day, buyer, shop, amount, declined=declined))
        day += float(rng.uniform(2, 120)) * MINUTE
    return purchases


def merchant_compromise(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """A shop's stored cards leaked: within hours the cards of many customers are charged there,
    without their devices.
    """
    shop = int(rng.integers(population.merchants))
    purchases = []
    for _ in range(int(rng.integers(8, 25))):
        user = int(rng.integers(population.users))
        purchase_day = day + float(rng.uniform(0, 18)) * HOUR
        buyer = _owner(population, user)._replace(device=None)
        amount = float(rng.lognormal(4.0, 0.5))
        purchases.append(_purchase(population, rng, purchase_day, buyer, shop, amount))
    return purchases


def gift_card_cashout(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """Gift cards of round amounts, one after the other, from a device that many accounts share."""
    is_known = rng.random() < 0.5
    user = int(rng.integers(population.users))
    city = int(population.city[user]) if is_known else int(rng.choice(FOREIGN_TO_FRAUD))
    ring = f"farm{int(rng.integers(30))}-{int(day) // 3}"
    buyer = Buyer(
        f"u{user}" if is_known else f"x{incident}",
        city,
        ring,
        f"{ring}-net",
        f"u{user}-0" if is_known else f"stolen{incident}",
        int(population.card_country_city[user]),
    )
    purchases = []
    for _ in range(int(rng.integers(3, 9))):
        shop = int(rng.choice(population.merchants_of(Category.GIFT_CARDS)))
        amount = float(rng.choice([50, 100, 100, 200, 250]))
        if not is_known:
            buyer = buyer._replace(card_city=int(rng.integers(len(CITIES))))
        purchases.append(_purchase(population, rng, day, buyer, shop, amount))
        day += float(rng.uniform(1, 12)) * MINUTE
    return purchases


def low_and_slow(
    population: Population, rng: np.random.Generator, day: float, incident: int
) -> list[Purchase]:
    """Fraudsters who have learned: a known account, its own country and usual amounts, one device
    for weeks, one purchase every other day.
    """
    user = int(rng.choice(population.users, p=population.rate / population.rate.sum()))
    device = f"patient{incident % 50}"
    buyer = _owner(population, user)._replace(device=device, address=f"{device}-net")
    purchases = []
    for _ in range(int(rng.integers(2, 7))):
        shop = int(rng.choice(population.favourites[user]))
        amount = float(rng.lognormal(3.9, 0.5) * population.spending[user])
        purchases.append(_purchase(population, rng, day, buyer, shop, amount))
        day += float(rng.uniform(0.5, 3))
    return purchases


SCENARIOS: dict[str, tuple[float, Scenario]] = {
    "card_testing": (0.07, card_testing),
    "account_takeover": (0.32, account_takeover),
    "stolen_card": (0.34, stolen_card),
    "low_and_slow": (0.08, low_and_slow),
    "merchant_compromise": (0.05, merchant_compromise),
    "gift_card_cashout": (0.14, gift_card_cashout),
}
"""Name: the share of incidents of this kind, and its function."""


def _owner(population: Population, user: int) -> Buyer:
    """The customer at home, with their first device and card."""
    return Buyer(
        f"u{user}",
        int(population.city[user]),
        f"u{user}-0",
        f"home-u{user}",
        f"u{user}-0",
        int(population.card_country_city[user]),
    )


def _purchase(
    population: Population,
    rng: np.random.Generator,
    day: float,
    buyer: Buyer,
    merchant: int,
    amount: float,
    *,
    declined: bool = False,
) -> Purchase:
    city = CITIES[buyer.city]
    place = (
        city.latitude + float(rng.normal(0, 0.2)),
        city.longitude + float(rng.normal(0, 0.2)),
    )
    return Purchase(
        day=day,
        user=buyer.user,
        amount=amount,
        merchant=merchant,
        category=tuple(Category)[population.merchant_category[merchant]],
        city=buyer.city,
        place=None if rng.random() < 0.15 else place,
        device=buyer.device,
        address=buyer.address,
        card=buyer.card,
        card_city=buyer.card_city,
        declined=declined,
        scenario=None,
    )
