"""Our features and model on the handbook's data, by its protocol.

The features are those of the live system, computed by the same function (`ml.features.compute`)
from what the handbook's transactions have: customer, terminal, amount, time. Added to them are
features of each terminal from fraud labels, which must never be used before the delay of a week is
over.
"""

from __future__ import annotations

import math
from typing import Any

import lightgbm
import numpy as np

from ml.fdh_benchmark.protocol import DELAY_DAYS, TEST_DAYS, TRAIN_DAYS, TRAIN_FROM
from ml.fdh_benchmark.simulator import DAY_S, LARGE_AMOUNT, START, Array, Transactions
from ml.features import NAMES, compute
from ml.profile.cross_user_signals import OfflineSignals
from ml.profile.event import Event
from ml.profile.update import EMPTY, Profile, update

MEMORY_DAYS = 35
"""Days replayed before the training week, so that the customers' profiles are filled."""
WINDOWS_DAYS = (1, 3, 7, 14, 30)
LABEL_NAMES = (
    *(
        f"terminal_{what}_{days}d"
        for what in ("fraud_share", "plain_fraud", "payments")
        for days in WINDOWS_DAYS
    ),
    "terminal_last_label",
    "terminal_days_since_fraud_began",
    "terminal_days_since_honest",
)
USUAL_FACTOR = 2.5
"""An amount up to this many times the customer's mean is usual."""
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 12,
    "max_depth": 4,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "verbose": -1,
    "num_threads": 2,
    "deterministic": True,
    "force_row_wise": True,
}
# The mean of several bags varies less from seed to seed than one model.
ROUNDS, BAGS = 200, 5
# An event with every field missing.
_EMPTY_EVENT = Event(0, 0, 0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, math.nan, math.nan, False)


def span(train_from: int = TRAIN_FROM) -> tuple[int, int]:
    """First and last day (exclusive) that are replayed for a fold, in days since `START`."""
    return train_from - MEMORY_DAYS, train_from + TRAIN_DAYS + DELAY_DAYS + TEST_DAYS


def profile_features(transactions: Transactions, rows: Array) -> Array:
    """The live features of these rows, which must be consecutive: float32, (rows, features)."""
    signals, profiles = OfflineSignals(), dict[int, Profile]()
    epoch_ms = int(START.timestamp()) * 1000
    features = np.empty((len(rows), len(NAMES)), dtype=np.float32)
    fields = (
        transactions.second,
        transactions.customer,
        transactions.terminal,
        transactions.amount,
    )
    columns = (field[rows].tolist() for field in fields)
    for index, (second, customer, terminal, amount) in enumerate(zip(*columns, strict=True)):
        now_ms = epoch_ms + second * 1000
        # Hashes must not be 0, which means missing.
        event = _EMPTY_EVENT._replace(
            id_hash=index + 1,
            received_ms=now_ms,
            occurred_ms=now_ms,
            amount_cents=round(amount * 100),
            merchant=terminal + 1,
            card=customer + 1,
        )
        profile = profiles.get(customer, EMPTY)
        observed = signals.observe(event, customer + 1)
        features[index] = compute([(profile, event, observed)])[0]
        profiles[customer] = update(profile, event)
    return features


def label_features(transactions: Transactions, rows: Array, delay_days: int = DELAY_DAYS) -> Array:
    """What is known about the terminal of each of these rows from labels older than the delay:
    float32, (rows, len(LABEL_NAMES)), NaN when nothing is known.

    Plain fraud is fraud of an amount that is usual for the customer: the most likely cause is the
    terminal.
    """
    history = _TerminalHistory(transactions)
    terminal = transactions.terminal[rows]
    known_until = transactions.second[rows] - delay_days * DAY_S
    end = history.position(terminal, known_until)
    windows = [
        history.window(history.position(terminal, known_until - days * DAY_S), end)
        for days in WINDOWS_DAYS
    ]
    shares, plain_counts, counts = zip(*windows, strict=True)
    last_label = history.last_label(terminal, transactions.second[rows], end)
    return np.column_stack((*shares, *plain_counts, *counts, *last_label)).astype(np.float32)


class _TerminalHistory:
    """All transactions ordered by terminal, then by time. A position is an index in this order."""

    def __init__(self, transactions: Transactions) -> None:
        order = np.lexsort((transactions.second, transactions.terminal))
        is_small = transactions.amount <= LARGE_AMOUNT
        is_usual = transactions.amount <= USUAL_FACTOR * _mean_before(transactions)
        self._second, self._terminal = transactions.second[order], transactions.terminal[order]
        self._fraud = transactions.fraud[order]
        plain = self._fraud & is_small[order] & is_usual[order]
        # Terminal and second in one number, so that both are searched at once.
        self._horizon = 10 * int(transactions.second.max() + 400 * DAY_S)
        self._key = self._terminal * self._horizon + self._second
        self._fraud_before = np.concatenate(([0], np.cumsum(self._fraud)))
        self._plain_before = np.concatenate(([0], np.cumsum(plain)))
        # Where the unbroken run of equal labels begins that each transaction is part of.
        is_other_terminal = self._terminal[1:] != self._terminal[:-1]
        is_other_label = self._fraud[1:] != self._fraud[:-1]
        begins_run = np.concatenate(([True], is_other_terminal | is_other_label))
        positions = np.arange(len(order))
        self._run_start = np.maximum.accumulate(np.where(begins_run, positions, 0))

    def position(self, terminal: Array, second: Array) -> Array:
        """The position behind the last transaction of each terminal up to this second."""
        key = terminal * self._horizon + np.maximum(second, 0)
        return np.searchsorted(self._key, key, side="right")

    def window(self, start: Array, end: Array) -> tuple[Array, Array, Array]:
        """Share of fraud (NaN for no transactions), plain fraud and transactions from each start
        position to each end position.
        """
        count = end - start
        fraud = self._fraud_before[end] - self._fraud_before[start]
        plain = self._plain_before[end] - self._plain_before[start]
        share = fraud / np.where(end > start, count, np.nan)
        return share, plain.astype(float), count.astype(float)

    def last_label(self, terminal: Array, second: Array, end: Array) -> tuple[Array, Array, Array]:
        """The last label of the terminal before each end position (1: fraud); for fraud, the days
        since its run began and since the honest transaction before the run. NaN when not known.
        """
        last = np.maximum(end - 1, 0)
        is_known = (end > 0) & (self._terminal[last] == terminal)
        is_fraud = is_known & self._fraud[last]
        run_start = self._run_start[last]
        before_run = np.maximum(run_start - 1, 0)
        has_honest = is_fraud & (run_start > 0) & (self._terminal[before_run] == terminal)
        days_since_start = (second - self._second[run_start]) / DAY_S
        days_since_honest = (second - self._second[before_run]) / DAY_S
        return (
            np.where(is_known, is_fraud, np.nan),
            np.where(is_fraud, days_since_start, np.nan),
            np.where(has_honest, days_since_honest, np.nan),
        )


def _mean_before(transactions: Transactions) -> Array:
    """The mean amount of the customer's transactions before each one; infinite for the first."""
    order = np.argsort(transactions.customer, kind="stable")
    customer, amount = transactions.customer[order], transactions.amount[order]
    first = np.searchsorted(customer, customer)
    sum_before = np.concatenate(([0.0], np.cumsum(amount)))
    position = np.arange(len(order))
    count = position - first
    own_sum = sum_before[position] - sum_before[first]
    mean = np.empty(len(order))
    mean[order] = np.where(count > 0, own_sum / np.maximum(count, 1), np.inf)
    return mean


def score(
    train: Array,
    fraud: Array,
    test: Array,
    seed: int,
    parameters: dict[str, Any] | None = None,
    rounds: int = ROUNDS,
) -> Array:
    """Mean log-odds of five LightGBM models with different bags, one for each row of `test`.

    `train`, `test`: (rows, features); `fraud`: bool, one entry for each row of `train`.
    """
    total = np.zeros(len(test))
    for bag in range(BAGS):
        bag_parameters = {**PARAMETERS, **(parameters or {}), "seed": seed * BAGS + bag}
        data = lightgbm.Dataset(train, fraud.astype(np.int8))
        booster = lightgbm.train(bag_parameters, data, rounds)
        total += np.asarray(booster.predict(test, raw_score=True))
    return total / BAGS
