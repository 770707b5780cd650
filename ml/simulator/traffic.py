"""One stretch of traffic: honest purchases and fraud, in time order, with ground truth kept beside each transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from fraud_app import currency
from fraud_app.contracts import Category
from ml.event import hash64
from ml.simulator.fraud import SCENARIOS, Purchase
from ml.simulator.population import CATEGORIES, CITIES, Population

FRAUD_SHARE = 0.008
SPREE_SHARE = 0.06
_CATEGORY = tuple(Category)


class LabelledTransaction(NamedTuple):
    """A transaction as a shop would send it, and the truth that the shop does not know."""

    transaction: dict[str, Any]
    is_fraud: bool
    scenario: str | None


def simulate(
    population: Population,
    start: datetime,
    days: float,
    *,
    count: int | None = None,
    fraud_share: float = FRAUD_SHARE,
    seed: int = 0,
) -> Iterator[LabelledTransaction]:
    """Traffic of `days` days from `start`, in time order.

    `count`: how many transactions in all; by default what the customers' own rates give. The same arguments give the same
    traffic. Ids are unique for a (population seed, seed, start).
    """
    rng = np.random.Generator(np.random.PCG64([population.seed, 2, seed]))
    total = count if count is not None else int(rng.poisson(population.rate.sum() * days))
    honest = max(0, round(total * (1 - fraud_share)))
    single = _honest(population, rng, round(honest * (1 - SPREE_SHARE)), days)
    purchases = (*single, *_sprees(single, rng, honest - len(single)))
    fraud = _fraud(population, rng, round(total * fraud_share), days)
    merged = sorted((*purchases, *fraud), key=lambda purchase: purchase.day)
    # Letters part the numbers: hex digits and a hyphen can pass for a card number by chance, and would be refused.
    stamp = f"t{population.seed:x}g{seed:x}g{int(start.timestamp()):x}x"
    for number, purchase in enumerate(merged):
        yield LabelledTransaction(
            _as_sent(population, purchase, start, f"{stamp}{number:07d}"),
            purchase.scenario is not None,
            purchase.scenario,
        )


def _honest(population: Population, rng: np.random.Generator, count: int, days: float) -> list[Purchase]:
    users = rng.choice(population.users, count, p=population.rate / population.rate.sum())
    day = rng.random(count) * days
    if days >= 1:
        hour = (population.habit_hour[users] + rng.normal(0, population.habit_spread[users])) % 24
        day = np.floor(day) + hour / 24
        day = np.where(day < days, day, day - 1)
    favourite = rng.random(count) < 0.7
    merchant = np.where(
        favourite,
        population.favourites[users, rng.integers(0, 6, count)],
        rng.choice(population.merchants, count, p=population.merchant_weight),
    )
    chance = rng.random((count, 9))
    noise = rng.normal(0, 1, count)
    made = []
    for place in range(count):
        user, luck = int(users[place]), chance[place]
        category = _CATEGORY[population.merchant_category[merchant[place]]]
        _, typical, spread = CATEGORIES[category]
        amount = typical * population.spending[user] * float(np.exp(spread * noise[place]))
        if luck[0] < 0.03:
            amount *= 3 + 6 * luck[1]
        if category is Category.GIFT_CARDS:
            amount = float(10 * max(1, round(amount / 10)))
        travelling = luck[2] < 0.05
        city = int(rng.integers(len(CITIES))) if travelling else int(population.city[user])
        device = f"u{user}-{int(luck[3] * population.device_count[user])}"
        if luck[4] < 0.05:
            device = f"u{user}-new{int(luck[4] * 1e6)}"
        household = population.household[user]
        if household >= 0 and luck[4] > 0.85:
            device = f"h{household}"
        roaming = luck[5] < 0.35 or travelling
        made.append(
            Purchase(
                day=float(day[place]),
                user=f"u{user}",
                amount=max(amount, 0.5),
                merchant=int(merchant[place]),
                category=category,
                city=city,
                place=None
                if luck[6] < 0.06
                else (
                    (CITIES[city].latitude + 0.1 * noise[place], CITIES[city].longitude)
                    if travelling
                    else (float(population.latitude[user]), float(population.longitude[user]))
                ),
                device=None if population.withholds_device[user] or luck[3] > 0.98 else device,
                address=f"carrier{population.carrier_ip[user]}-{CITIES[city].country}"
                if roaming
                else (f"home-h{household}" if household >= 0 else f"home-u{user}"),
                card=f"u{user}-{0 if luck[7] < 0.85 else 1}",
                card_city=int(population.card_country_city[user]),
                declined=bool(luck[8] < 0.05),
                scenario=None,
            )
        )
    return made


def _sprees(single: list[Purchase], rng: np.random.Generator, count: int) -> list[Purchase]:
    """Honest customers who buy several times in a row: presents, games, a refused card tried again."""
    made: list[Purchase] = []
    while single and len(made) < count:
        first = single[int(rng.integers(len(single)))]
        for _ in range(int(rng.integers(1, 7))):
            day = first.day + float(rng.uniform(1, 50)) / 1440
            if int(day) == int(first.day):
                amount = first.amount if rng.random() < 0.5 else first.amount * float(rng.lognormal(0, 0.7))
                made.append(first._replace(day=day, amount=amount, declined=bool(rng.random() < 0.15)))
    return made[:count]


def _fraud(population: Population, rng: np.random.Generator, count: int, days: float) -> list[Purchase]:
    made: list[Purchase] = []
    weights = np.array([weight for weight, _ in SCENARIOS.values()])
    names = tuple(SCENARIOS)
    incident = 0
    while len(made) < count:
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        story = SCENARIOS[name][1](population, rng, float(rng.random() * days), incident)
        made.extend(purchase._replace(scenario=name) for purchase in story if purchase.day < days)
        incident += 1
    return made[:count]


def _as_sent(population: Population, purchase: Purchase, start: datetime, transaction_id: str) -> dict[str, Any]:
    city = CITIES[purchase.city]
    code = city.currency
    occurred = (start + timedelta(days=purchase.day)).astimezone(UTC)
    digits = currency.minor_digits(code)
    return {
        "transaction_id": transaction_id,
        "user_id": f"{population.seed}-{purchase.user}",
        "amount": f"{max(purchase.amount / currency.euro_per_unit(code), 10.0**-digits):.{digits}f}",
        "currency": code,
        "occurred_at": occurred.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "merchant_id": f"m{purchase.merchant}",
        "category": purchase.category.value,
        "payment_method": {
            "type": "card",
            "fingerprint": f"fp-{population.seed}-{purchase.card}",
            "bin_country": CITIES[purchase.card_city].country,
        },
        "device_id": purchase.device and f"d-{population.seed}-{purchase.device}",
        "ip": _address(f"{population.seed}-{purchase.address}"),
        "country": city.country,
        "latitude": purchase.place and round(float(purchase.place[0]), 4),
        "longitude": purchase.place and round(float(purchase.place[1]), 4),
        "issuer_response": "declined" if purchase.declined else "approved",
    }


def _address(name: str) -> str:
    """An IPv6 address in the documentation prefix (RFC 3849), the same for the same name."""
    number = hash64(name)
    return f"2001:db8:{number >> 48 & 0xFFFF:x}:{number >> 32 & 0xFFFF:x}::{number & 0xFFFF:x}"
