"""A `TrainingHistory` from labelled transactions: of the simulator, or of files. The features are
always those of `replay`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fraud_app.contracts import reading
from fraud_app.contracts.transaction import Transaction
from ml.profile.event import NO_AMOUNT, event_time_ms
from ml.simulator import LabelledTransaction
from ml.training import labels_file
from ml.training.labels_file import Known
from ml.training.replay import replay
from ml.training.train import TrainingHistory, reported_before

NOTHING_KNOWN = Known(False, math.inf, "")


class Labelled(NamedTuple):
    """A transaction and the truth about it."""

    transaction: Transaction
    is_fraud: bool
    reported_ms: float
    """When the fraud is reported, ms since 1970; infinite when it never is."""
    scenario: str
    """The kind of fraud; empty when it is unknown."""


def from_simulator(simulated: LabelledTransaction) -> Labelled:
    """A transaction of the simulator, with the time of its chargeback."""
    transaction = Transaction.model_validate(simulated.transaction)
    reported_ms = math.inf
    if simulated.reported_after_days is not None:
        delay = timedelta(days=simulated.reported_after_days)
        reported_ms = event_time_ms(transaction, 0) + delay.total_seconds() * 1000
    return Labelled(transaction, simulated.is_fraud, reported_ms, simulated.scenario or "")


def from_files(data: Path, labels: Path) -> Iterator[Labelled]:
    """The transactions of a file in time order, with the labels of another file; both are JSON
    lines. A label without `user_id` is of the only transaction with its id. Raises `ValueError`
    that names the file and the line for one that is no transaction or no label.
    """
    known = labels_file.read(labels)
    transactions = [read.transaction for read in labels_file.parsed_lines(data, reading.read_json)]
    keys = {transaction.key for transaction in transactions}
    customers_with = Counter(key.transaction_id for key in keys)
    transactions.sort(key=lambda transaction: event_time_ms(transaction, 0))
    for transaction in transactions:
        of_it = known.get(transaction.key)
        if of_it is None and customers_with[transaction.transaction_id] == 1:
            of_it = known.get((None, transaction.transaction_id))
        yield Labelled(transaction, *(of_it or NOTHING_KNOWN))


def history_of(labelled_transactions: Iterable[Labelled]) -> TrainingHistory:
    """Features of the transactions, which come in time order; the client's time is the ingest
    time.
    """
    truths: list[tuple[bool, float, str]] = []

    def transactions() -> Iterator[tuple[Transaction, int]]:
        for labelled in labelled_transactions:
            truths.append((labelled.is_fraud, labelled.reported_ms, labelled.scenario))
            yield labelled.transaction, event_time_ms(labelled.transaction, 0)

    rows, amounts, at_ms, country, customer = [], [], [], [], []
    for replayed in replay(transactions()):
        rows.append(replayed.features)
        cents = replayed.event.amount_cents
        amounts.append(math.nan if cents == NO_AMOUNT else cents / 100.0)
        at_ms.append(replayed.event.received_ms)
        country.append(replayed.transaction.country or "")
        customer.append(replayed.transaction.user_id)
    fraud, reported, scenario = (np.array(column) for column in zip(*truths, strict=True))
    times_ms = np.array(at_ms)
    return TrainingHistory(
        np.stack(rows),
        fraud,
        np.array(amounts),
        times_ms,
        reported_before(fraud, reported, times_ms),
        scenario,
        np.array(country),
        np.array(customer),
    )
