"""The handbook's protocol: one week to train, one week until labels are known, one week to test.
Cards of known fraud are removed from the test (chapters 3.5, 4, 5), and no score may use a label
before the delay is over.

Metrics: AUC ROC, average precision, and card precision@100, the share of compromised cards among
the hundred cards that rank highest each day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.fdh_benchmark.simulator import DAY_S, START, TERMINAL_DAYS, Array, Transactions

# As in the handbook.
TRAIN_FROM = (datetime(2018, 7, 25, tzinfo=UTC) - START).days
TRAIN_DAYS, DELAY_DAYS, TEST_DAYS = 7, 7, 7
TOP = 100
DRAWS = 20
"""Enough to average out what is left to chance."""


class Split(NamedTuple):
    """Rows of transactions, int64."""

    train: Array
    test: Array


class Figures(NamedTuple):
    """The handbook's three metrics, each from 0 to 1."""

    auc_roc: float
    average_precision: float
    card_precision: float


def split(transactions: Transactions, train_from: int = TRAIN_FROM) -> Split:
    """The weeks that begin on this day (days since `START`). A card is known, and removed from the
    test, once a fraud on it is older than the delay.
    """
    day, fraud = transactions.day, transactions.fraud
    in_train = (day >= train_from) & (day < train_from + TRAIN_DAYS)
    known = np.unique(transactions.customer[in_train & fraud])
    test_from = train_from + TRAIN_DAYS + DELAY_DAYS
    test_rows = []
    for test_day in range(test_from, test_from + TEST_DAYS):
        is_reported = (day == test_day - DELAY_DAYS - 1) & fraud
        known = np.union1d(known, transactions.customer[is_reported])
        rows = np.flatnonzero(day == test_day)
        test_rows.append(rows[~np.isin(transactions.customer[rows], known)])
    return Split(np.flatnonzero(in_train), np.concatenate(test_rows))


def figures(transactions: Transactions, rows: Array, score: Array) -> Figures:
    """How well the score ranks these rows. `score`: one entry for each of `rows`."""
    fraud = transactions.fraud[rows]
    return Figures(
        float(roc_auc_score(fraud, score)),
        float(average_precision_score(fraud, score)),
        float(np.mean(list(_card_precision(transactions, rows, score)))),
    )


def _card_precision(transactions: Transactions, rows: Array, score: Array) -> Iterator[float]:
    """The precision of each day: the highest-ranked cards are checked, and detected cards are
    removed from the days after.
    """
    detected: set[int] = set()
    fraud, day, customer = (
        transactions.fraud[rows],
        transactions.day[rows],
        transactions.customer[rows],
    )
    for test_day in np.unique(day):
        cards: dict[int, tuple[float, bool]] = {}
        for index in np.flatnonzero(day == test_day):
            card = int(customer[index])
            if card not in detected:
                best, is_fraud = cards.get(card, (-np.inf, False))
                cards[card] = max(best, float(score[index])), is_fraud or bool(fraud[index])
        top = sorted(cards.items(), key=lambda item: -item[1][0])[:TOP]
        newly_detected = {card for card, (_, is_fraud) in top if is_fraud}
        detected |= newly_detected
        yield len(newly_detected) / TOP


def ceiling(transactions: Transactions, rows: Array, seed: int = 0) -> Figures:
    """The figures of a score that knows each transaction's scenario but not the future. The order
    that is left to chance is drawn several times; the result is the mean.

    A transaction at a compromised terminal looks like any other until the first label from that
    terminal is known, a week after the first transaction there. All other fraud counts as detected
    for certain, so no real score comes near this bound.
    """
    known_from = _known_from(transactions)
    is_terminal_fraud = transactions.scenario[rows] == 2
    is_known = known_from[rows] <= transactions.second[rows]
    is_detectable = transactions.fraud[rows] & (~is_terminal_fraud | is_known)
    rng = np.random.Generator(np.random.PCG64(seed))
    draws = [
        figures(transactions, rows, is_detectable + rng.random(len(rows))) for _ in range(DRAWS)
    ]
    return Figures(*np.mean(draws, axis=0).tolist())


def _known_from(transactions: Transactions) -> Array:
    """For each transaction at a compromised terminal: when the first label of that compromise is
    known, in seconds since `START`. For all others: never (the largest int64).
    """
    known_from = np.full(len(transactions.second), np.iinfo(np.int64).max)
    rows = np.flatnonzero(transactions.scenario == 2)
    rows = rows[np.argsort(transactions.terminal[rows], kind="stable")]
    terminal, second = transactions.terminal[rows], transactions.second[rows]
    is_other_terminal = terminal[1:] != terminal[:-1]
    # A gap longer than a compromise lasts means that a new one begins at the same terminal.
    is_new_compromise = second[1:] - second[:-1] > TERMINAL_DAYS * DAY_S
    begins = np.concatenate(([True], is_other_terminal | is_new_compromise))
    first_index = np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))
    known_from[rows] = second[first_index] + DELAY_DAYS * DAY_S
    return known_from
