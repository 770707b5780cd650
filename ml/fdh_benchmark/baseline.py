"""Our features and model on the handbook's data, by its protocol.

The features are those of the live system, from the very functions that it runs
(`ml.features.compute`), fed with what the handbook's payments have: customer, terminal, amount,
time. What fraud labels tell about a terminal comes beside them, a week late as in the protocol.
"""

from __future__ import annotations

import math
from typing import Any

import lightgbm
import numpy as np

from ml.fdh_benchmark.protocol import DELAY_DAYS, TEST_DAYS, TRAIN_DAYS, TRAIN_FROM
from ml.fdh_benchmark.simulator import DAY_S, LARGE_AMOUNT, START, Array, Payments
from ml.features import NAMES, compute
from ml.profile.cross_user_signals import OfflineSignals
from ml.profile.event import Event
from ml.profile.update import EMPTY, Profile, update

MEMORY_DAYS = 35
"""Days replayed before the training week, to warm the customers' memories up."""
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
"""Up to so many times the customer's mean an amount is usual."""
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
ROUNDS, BAGS = 200, 5
_NOWHERE = Event(0, 0, 0, 0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, math.nan, math.nan, False)


def span(train_from: int = TRAIN_FROM) -> tuple[int, int]:
    """First and last day (exclusive) that are replayed for a fold."""
    return train_from - MEMORY_DAYS, train_from + TRAIN_DAYS + DELAY_DAYS + TEST_DAYS


def profile_features(payments: Payments, places: Array) -> Array:
    """The live features of these consecutive payments, float32, (payments, features)."""
    memory, users = OfflineSignals(), dict[int, Profile]()
    epoch_ms = int(START.timestamp()) * 1000
    found = np.empty((len(places), len(NAMES)), dtype=np.float32)
    columns = (payments.second, payments.customer, payments.terminal, payments.amount)
    for row, (second, customer, terminal, amount) in enumerate(
        zip(*(column[places].tolist() for column in columns), strict=True)
    ):
        at = epoch_ms + second * 1000
        event = _NOWHERE._replace(
            id_hash=row + 1,
            received_ms=at,
            occurred_ms=at,
            amount_cents=round(amount * 100),
            merchant=terminal + 1,
            card=customer + 1,
        )
        profile = users.get(customer, EMPTY)
        found[row] = compute([(profile, event, memory.observe(event, customer + 1))])[0]
        users[customer] = update(profile, event)
    return found


def label_features(payments: Payments, places: Array, delay_days: int = DELAY_DAYS) -> Array:
    """What was known of each payment's terminal from labels older than the delay: `LABEL_NAMES`,
    float32.

    Plain fraud is fraud of an amount that is usual for the customer: what else can it come from
    than the terminal?
    """
    order = np.lexsort((payments.second, payments.terminal))
    horizon = 10 * int(payments.second.max() + 400 * DAY_S)
    second, terminal = payments.second[order], payments.terminal[order]
    key, fraud = terminal * horizon + second, payments.fraud[order]
    plain = (
        fraud
        & (payments.amount <= LARGE_AMOUNT)[order]
        & (payments.amount <= USUAL_FACTOR * _mean_before(payments))[order]
    )
    frauds, plains = (np.concatenate(([0], np.cumsum(one))) for one in (fraud, plain))
    # Where the unbroken run of labels of one kind begins that each payment is part of.
    changes = np.concatenate(([True], (terminal[1:] != terminal[:-1]) | (fraud[1:] != fraud[:-1])))
    began = np.maximum.accumulate(np.where(changes, np.arange(len(key)), 0))
    here = payments.terminal[places] * horizon
    until = payments.second[places] - delay_days * DAY_S
    end = np.searchsorted(key, here + np.maximum(until, 0), side="right")
    shares, plain_counts, counts = [], [], []
    for days in WINDOWS_DAYS:
        start = np.searchsorted(key, here + np.maximum(until - days * DAY_S, 0), side="right")
        counts.append((end - start).astype(float))
        shares.append((frauds[end] - frauds[start]) / np.where(end > start, end - start, np.nan))
        plain_counts.append((plains[end] - plains[start]).astype(float))
    last = np.maximum(end - 1, 0)
    known = (end > 0) & (terminal[last] == payments.terminal[places])
    bad = known & fraud[last]
    since = (payments.second[places] - second[began[last]]) / DAY_S
    before = np.maximum(began[last] - 1, 0)
    honest = bad & (began[last] > 0) & (terminal[before] == payments.terminal[places])
    since_honest = (payments.second[places] - second[before]) / DAY_S
    return np.column_stack(
        (
            *shares,
            *plain_counts,
            *counts,
            np.where(known, bad, np.nan),
            np.where(bad, since, np.nan),
            np.where(honest, since_honest, np.nan),
        )
    ).astype(np.float32)


def _mean_before(payments: Payments) -> Array:
    """The mean amount of the customer's payments before each one; infinite for the first."""
    order = np.argsort(payments.customer, kind="stable")
    customer, amount = payments.customer[order], payments.amount[order]
    first = np.searchsorted(customer, customer)
    sums = np.concatenate(([0.0], np.cumsum(amount)))
    place = np.arange(len(order))
    count = place - first
    found = np.empty(len(order))
    found[order] = np.where(count > 0, (sums[place] - sums[first]) / np.maximum(count, 1), np.inf)
    return found


def score(
    train: Array,
    fraud: Array,
    test: Array,
    seed: int,
    parameters: dict[str, Any] | None = None,
    rounds: int = ROUNDS,
) -> Array:
    """Mean log-odds of a few LightGBM models with other bags; `test` in rows."""
    total = np.zeros(len(test))
    for bag in range(BAGS):
        chosen = {**PARAMETERS, **(parameters or {}), "seed": seed * BAGS + bag}
        booster = lightgbm.train(chosen, lightgbm.Dataset(train, fraud.astype(np.int8)), rounds)
        total += np.asarray(booster.predict(test, raw_score=True))
    return total / BAGS
