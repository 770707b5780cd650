"""The handbook's transaction simulator, from its published description (Le Borgne, Siblini,
Lebichot, Bontempi, 2022, chapter 3.2).

Customers and terminals lie on a square of 100 by 100; a customer pays at terminals within a radius.
There are three kinds of fraud: any amount above 220; all transactions at a compromised terminal for
28 days (two terminals a day); a third of the transactions of a customer whose credentials leaked,
with five times the amount, for 14 days (three customers a day). The random numbers come from our
own generator: the distributions are the handbook's, the draws are not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# The handbook's parameters.
START = datetime(2018, 4, 1, tzinfo=UTC)
CUSTOMERS, TERMINALS, DAYS, RADIUS = 5_000, 10_000, 183, 5.0
DAY_S = 86_400
LARGE_AMOUNT = 220.0
TERMINALS_A_DAY, TERMINAL_DAYS = 2, 28
LEAKS_A_DAY, LEAK_DAYS, LEAK_SHARE, LEAK_FACTOR = 3, 14, 3, 5.0


class Transactions(NamedTuple):
    """Arrays with one entry for each transaction, in time order."""

    second: Array
    """int64: seconds since `START`."""
    customer: Array
    """int64: index of the customer."""
    terminal: Array
    """int64: index of the terminal."""
    amount: Array
    """float64"""
    scenario: Array
    """int8: 0 is honest; 1, 2, 3 are the handbook's scenarios, the last one that applied."""

    @property
    def fraud(self) -> Array:
        """bool"""
        is_fraud: Array = self.scenario > 0
        return is_fraud

    @property
    def day(self) -> Array:
        """int64: days since `START`."""
        days: Array = self.second // DAY_S
        return days


def simulate(
    seed: int = 0,
    customers: int = CUSTOMERS,
    terminals: int = TERMINALS,
    days: int = DAYS,
    radius: float = RADIUS,
) -> Transactions:
    """All transactions of these days. The same arguments give the same transactions."""
    rng = np.random.Generator(np.random.PCG64(seed))
    customer_xy = rng.uniform(0, 100, (customers, 2))
    terminal_xy = rng.uniform(0, 100, (terminals, 2))
    mean_amount = rng.uniform(5, 100, customers)
    per_day = rng.uniform(0, 4, customers)
    count = rng.poisson(np.repeat(per_day[:, None], days, axis=1))
    customer = np.repeat(np.arange(customers), count.sum(axis=1))
    day = np.repeat(np.tile(np.arange(days), customers), count.ravel())
    second = rng.normal(DAY_S / 2, 20_000, len(customer)).astype(np.int64)
    mean = mean_amount[customer]
    drawn = rng.normal(mean, mean / 2)
    amount: Array = np.round(np.where(drawn < 0, rng.uniform(0, 2 * mean), drawn), 2)
    near, near_start, near_count = _terminals_near(customer_xy, terminal_xy, radius)
    possible = (second > 0) & (second < DAY_S) & (near_count[customer] > 0)
    customer, day, second, amount = (column[possible] for column in (customer, day, second, amount))
    choice = (rng.random(len(customer)) * near_count[customer]).astype(np.int64)
    terminal = near[near_start[customer] + choice]
    second += day * DAY_S
    order = np.argsort(second, kind="stable")
    honest = np.zeros(len(customer), dtype=np.int8)
    transactions = Transactions(
        second[order], customer[order], terminal[order], amount[order], honest
    )
    return _with_fraud(transactions, rng, customers, terminals, days)


def _terminals_near(
    customer_xy: Array, terminal_xy: Array, radius: float
) -> tuple[Array, Array, Array]:
    """The terminals within the radius of each customer: all in one array, the index there of each
    customer's first, and the number of each customer's.
    """
    near = [
        np.flatnonzero(((terminal_xy - position) ** 2).sum(axis=1) < radius**2)
        for position in customer_xy
    ]
    count = np.array([len(terminals) for terminals in near])
    start = np.concatenate(([0], np.cumsum(count)[:-1]))
    return np.concatenate(near), start, count


def _with_fraud(
    transactions: Transactions, rng: np.random.Generator, customers: int, terminals: int, days: int
) -> Transactions:
    amount, scenario = transactions.amount.copy(), transactions.scenario.copy()
    scenario[amount > LARGE_AMOUNT] = 1
    day = transactions.day
    is_compromised = np.zeros((terminals, days), dtype=bool)
    for first_day in range(days):
        compromised = rng.choice(terminals, TERMINALS_A_DAY, replace=False)
        is_compromised[compromised, first_day : first_day + TERMINAL_DAYS] = True
    scenario[is_compromised[transactions.terminal, day]] = 2
    start_of_day = np.searchsorted(day, np.arange(days + LEAK_DAYS))
    for first_day in range(days):
        leaked = rng.choice(customers, LEAKS_A_DAY, replace=False)
        start, end = start_of_day[first_day], start_of_day[min(first_day + LEAK_DAYS, days)]
        rows = np.flatnonzero(np.isin(transactions.customer[start:end], leaked)) + start
        fraud_rows = rng.choice(rows, len(rows) // LEAK_SHARE, replace=False)
        amount[fraud_rows] *= LEAK_FACTOR
        scenario[fraud_rows] = 3
    return transactions._replace(amount=amount, scenario=scenario)
