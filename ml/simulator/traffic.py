"""Traffic: honest purchases and fraud in time order. The truth is given beside each transaction and
must never be inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fraud_app.contracts import currency
from ml.profile.event import hash64
from ml.simulator.fraud import SCENARIOS, Purchase
from ml.simulator.honest import honest_purchases
from ml.simulator.population import CITIES, Population

FRAUD_SHARE = 0.008
NEVER_REPORTED = 0.08
"""Share of the fraud that gets no chargeback."""
REPORT_MEDIAN_DAYS, REPORT_SPREAD = 6.0, 0.8


class LabelledTransaction(NamedTuple):
    """A transaction as a shop would send it, and the truth that the shop does not know."""

    transaction: dict[str, Any]
    is_fraud: bool
    scenario: str | None
    reported_after_days: float | None
    """Days until the chargeback; None for an honest transaction, and for fraud that is never
    reported.
    """


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

    `count`: number of transactions; by default it follows from the customers' rates. The same
    arguments give the same traffic. Ids are unique for a (population seed, seed, start).
    """
    rng = np.random.Generator(np.random.PCG64([population.seed, 2, seed]))
    total = count if count is not None else int(rng.poisson(population.rate.sum() * days))
    honest = max(0, round(total * (1 - fraud_share)))
    fraud = _fraud(population, rng, round(total * fraud_share), days)
    merged = sorted(
        (*honest_purchases(population, rng, start, days, honest), *fraud),
        key=lambda purchase: purchase.day,
    )
    # Letters separate the numbers: digits and a hyphen can look like a card number by chance, and
    # such an id is refused.
    start = start.astimezone(UTC)
    stamp = f"t{population.seed:x}g{seed:x}g{int(start.timestamp()):x}x"
    for number, purchase in enumerate(merged):
        yield LabelledTransaction(
            _as_sent(population, purchase, start, f"{stamp}{number:07d}"),
            purchase.scenario is not None,
            purchase.scenario,
            _days_until_report(rng) if purchase.scenario else None,
        )


def _fraud(
    population: Population, rng: np.random.Generator, count: int, days: float
) -> list[Purchase]:
    """`count` fraudulent purchases of random incidents, in no order."""
    fraud: list[Purchase] = []
    weights = np.array([weight for weight, _ in SCENARIOS.values()])
    names = tuple(SCENARIOS)
    incident = 0
    while len(fraud) < count:
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        _, scenario = SCENARIOS[name]
        purchases = scenario(population, rng, float(rng.random() * days), incident)
        fraud.extend(
            purchase._replace(scenario=name) for purchase in purchases if purchase.day < days
        )
        incident += 1
    return fraud[:count]


def _days_until_report(rng: np.random.Generator) -> float | None:
    """Days from a fraud to its chargeback; None when it is never reported."""
    if rng.random() < NEVER_REPORTED:
        return None
    return float(rng.lognormal(np.log(REPORT_MEDIAN_DAYS), REPORT_SPREAD))


def _as_sent(
    population: Population, purchase: Purchase, start: datetime, transaction_id: str
) -> dict[str, Any]:
    """The purchase as JSON, as a shop would send it."""
    city = CITIES[purchase.city]
    code = city.currency
    occurred = start + timedelta(days=purchase.day)
    digits = currency.minor_digits(code)
    amount = max(purchase.amount / currency.euro_per_unit(code), 10.0**-digits)
    return {
        "transaction_id": transaction_id,
        "user_id": f"{population.seed}-{purchase.user}",
        "amount": f"{amount:.{digits}f}",
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


@lru_cache(maxsize=200_000)
def _address(name: str) -> str:
    """An IPv6 address in the documentation prefix (RFC 3849), the same for the same name."""
    number = hash64(name)
    return f"2001:db8:{number >> 48 & 0xFFFF:x}:{number >> 32 & 0xFFFF:x}::{number & 0xFFFF:x}"
