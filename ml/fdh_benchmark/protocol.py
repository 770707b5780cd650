"""The handbook's protocol: a week to train, a week until labels are known, a week to test; known
cards leave the test (chapters 3.5, 4, 5).

Metrics: AUC ROC, average precision, and card precision@100, the share of compromised cards among
the hundred that rank highest each day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.fdh_benchmark.simulator import DAY_S, START, TERMINAL_DAYS, Array, Payments

TRAIN_FROM = (datetime(2018, 7, 25, tzinfo=UTC) - START).days
TRAIN_DAYS, DELAY_DAYS, TEST_DAYS = 7, 7, 7
TOP = 100


class Split(NamedTuple):
    """Places of payments."""

    train: Array
    test: Array


class Figures(NamedTuple):
    auc_roc: float
    average_precision: float
    card_precision: float


def split(payments: Payments, train_from: int = TRAIN_FROM) -> Split:
    """The weeks from this day on. A card is known, and leaves the test, once a fraud on it is older
    than the delay.
    """
    day, fraud = payments.day, payments.fraud
    in_train = (day >= train_from) & (day < train_from + TRAIN_DAYS)
    known = np.unique(payments.customer[in_train & fraud])
    test_from = train_from + TRAIN_DAYS + DELAY_DAYS
    parts = []
    for number in range(TEST_DAYS):
        reported = (day == train_from + TRAIN_DAYS + number - 1) & fraud
        known = np.union1d(known, payments.customer[reported])
        today = np.flatnonzero(day == test_from + number)
        parts.append(today[~np.isin(payments.customer[today], known)])
    return Split(np.flatnonzero(in_train), np.concatenate(parts))


def figures(payments: Payments, places: Array, score: Array) -> Figures:
    """How well these payments, given by their places, are ranked by this score."""
    fraud = payments.fraud[places]
    return Figures(
        float(roc_auc_score(fraud, score)),
        float(average_precision_score(fraud, score)),
        float(np.mean(list(_card_precision(payments, places, score)))),
    )


def _card_precision(payments: Payments, places: Array, score: Array) -> Iterator[float]:
    """A day at a time: the best-ranked cards are checked, and those found leave the days after."""
    found: set[int] = set()
    day = payments.day[places]
    for today in np.unique(day):
        cards: dict[int, tuple[float, bool]] = {}
        for place in np.flatnonzero(day == today):
            card = int(payments.customer[places[place]])
            if card not in found:
                best, bad = cards.get(card, (-np.inf, False))
                cards[card] = (
                    max(best, float(score[place])),
                    bad or bool(payments.fraud[places[place]]),
                )
        top = sorted(cards.items(), key=lambda card: -card[1][0])[:TOP]
        caught = {card for card, (_, bad) in top if bad}
        found |= caught
        yield len(caught) / TOP


DRAWS = 20


def ceiling(payments: Payments, places: Array, seed: int = 0) -> Figures:
    """What a score reaches that knows each payment's scenario but not the future: mean over draws
    of the order that is left to chance.

    A payment at a compromised terminal looks like any other until the first label from that
    terminal is known, a week after the first payment there. All other fraud is taken as seen for
    certain, so this is a bound that no real score comes near.
    """
    first = _first_known(payments)
    seen = payments.fraud[places] & (
        (payments.scenario[places] != 2) | (first[places] <= payments.second[places])
    )
    rng = np.random.Generator(np.random.PCG64(seed))
    draws = [figures(payments, places, seen + rng.random(len(places))) for _ in range(DRAWS)]
    return Figures(*np.mean(draws, axis=0).tolist())


def _first_known(payments: Payments) -> Array:
    """For each payment at a compromised terminal: when the first label of that compromise is known,
    in seconds.
    """
    found = np.full(len(payments.second), np.iinfo(np.int64).max)
    of = np.flatnonzero(payments.scenario == 2)
    of = of[np.argsort(payments.terminal[of], kind="stable")]
    terminal, second = payments.terminal[of], payments.second[of]
    # Another compromise of the same terminal begins after a longer silence than one lasts.
    begins = np.concatenate(
        (
            [True],
            (terminal[1:] != terminal[:-1]) | (second[1:] - second[:-1] > TERMINAL_DAYS * DAY_S),
        )
    )
    first = second[np.maximum.accumulate(np.where(begins, np.arange(len(of)), 0))]
    found[of] = first + DELAY_DAYS * DAY_S
    return found
