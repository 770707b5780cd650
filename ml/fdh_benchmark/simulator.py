"""The handbook's transaction simulator, from its published description (Le Borgne, Siblini,
Lebichot, Bontempi, 2022, chapter 3.2).

Customers and terminals lie on a square of 100 by 100; a customer pays at terminals within reach.
Three kinds of fraud: any amount above 220; all payments at a compromised terminal for 28 days (two
terminals a day); a third of the payments, five times as dear, of a customer whose credentials
leaked, for 14 days (three customers a day). Drawn by our own generator: same distributions, other
draws.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

START = datetime(2018, 4, 1, tzinfo=UTC)
CUSTOMERS, TERMINALS, DAYS, RADIUS = 5_000, 10_000, 183, 5.0
DAY_S = 86_400
LARGE_AMOUNT = 220.0
TERMINALS_A_DAY, TERMINAL_DAYS = 2, 28
LEAKS_A_DAY, LEAK_DAYS, LEAK_SHARE, LEAK_FACTOR = 3, 14, 3, 5.0


class Payments(NamedTuple):
    """One entry a payment, in time order."""

    second: Array
    """Seconds since `START`."""
    customer: Array
    terminal: Array
    amount: Array
    scenario: Array
    """0: honest; 1, 2, 3: the handbook's scenarios, the last that applied."""

    @property
    def fraud(self) -> Array:
        found: Array = self.scenario > 0
        return found

    @property
    def day(self) -> Array:
        found: Array = self.second // DAY_S
        return found


def simulate(
    seed: int = 0,
    customers: int = CUSTOMERS,
    terminals: int = TERMINALS,
    days: int = DAYS,
    radius: float = RADIUS,
) -> Payments:
    """All payments of these days. The same arguments give the same payments."""
    rng = np.random.Generator(np.random.PCG64(seed))
    at, place = rng.uniform(0, 100, (customers, 2)), rng.uniform(0, 100, (terminals, 2))
    mean_amount = rng.uniform(5, 100, customers)
    per_day = rng.uniform(0, 4, customers)
    count = rng.poisson(np.repeat(per_day[:, None], days, axis=1))
    who = np.repeat(np.arange(customers), count.sum(axis=1))
    day = np.repeat(np.tile(np.arange(days), customers), count.ravel())
    second = rng.normal(DAY_S / 2, 20_000, len(who)).astype(np.int64)
    drawn = rng.normal(mean_amount[who], mean_amount[who] / 2)
    amount: Array = np.round(np.where(drawn < 0, rng.uniform(0, 2 * mean_amount[who]), drawn), 2)
    reach, first, many = _within(at, place, radius)
    kept = (second > 0) & (second < DAY_S) & (many[who] > 0)
    who, day, second, amount = who[kept], day[kept], second[kept], amount[kept]
    terminal = reach[first[who] + (rng.random(len(who)) * many[who]).astype(np.int64)]
    second += day * DAY_S
    order = np.argsort(second, kind="stable")
    payments = Payments(
        second[order], who[order], terminal[order], amount[order], np.zeros(len(who), dtype=np.int8)
    )
    return _with_fraud(payments, rng, customers, terminals, days)


def _within(at: Array, place: Array, radius: float) -> tuple[Array, Array, Array]:
    """The terminals within reach of each customer: all in one array, and where each customer's
    begin and how many.
    """
    reach = [np.flatnonzero(((place - here) ** 2).sum(axis=1) < radius**2) for here in at]
    many = np.array([len(one) for one in reach])
    return np.concatenate(reach), np.concatenate(([0], np.cumsum(many)[:-1])), many


def _with_fraud(
    payments: Payments, rng: np.random.Generator, customers: int, terminals: int, days: int
) -> Payments:
    amount, scenario = payments.amount.copy(), payments.scenario.copy()
    scenario[amount > LARGE_AMOUNT] = 1
    day = payments.day
    compromised = np.zeros((terminals, days), dtype=bool)
    for first in range(days):
        compromised[
            rng.choice(terminals, TERMINALS_A_DAY, replace=False), first : first + TERMINAL_DAYS
        ] = True
    scenario[compromised[payments.terminal, day]] = 2
    starts = np.searchsorted(day, np.arange(days + LEAK_DAYS))
    for first in range(days):
        leaked = rng.choice(customers, LEAKS_A_DAY, replace=False)
        span = slice(starts[first], starts[min(first + LEAK_DAYS, days)])
        theirs = np.flatnonzero(np.isin(payments.customer[span], leaked)) + span.start
        hit = rng.choice(theirs, len(theirs) // LEAK_SHARE, replace=False)
        amount[hit] *= LEAK_FACTOR
        scenario[hit] = 3
    return payments._replace(amount=amount, scenario=scenario)
