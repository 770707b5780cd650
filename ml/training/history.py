"""A `TrainingHistory` from labelled transactions: of the simulator, or of files. The features are
always those of `replay`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from fraud_app.contracts.reading import read_json
from fraud_app.contracts.transaction import Transaction
from ml.profile.event import NO_AMOUNT, event_time_ms
from ml.simulator import LabelledTransaction
from ml.training.replay import replay
from ml.training.train import TrainingHistory, reported_before


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
    lines. A label without `user_id` is of the only transaction with its id. Raises
    `pydantic.ValidationError` for a line that is no transaction.
    """
    fraud_labels = {
        (label.get("user_id"), label["transaction_id"]): label
        for label in map(orjson.loads, labels.open("rb"))
        if label["is_fraud"]
    }
    transactions = [read_json(line).transaction for line in data.open("rb")]
    keys = {transaction.key for transaction in transactions}
    customers_with = Counter(key.transaction_id for key in keys)
    transactions.sort(key=lambda transaction: event_time_ms(transaction, 0))
    for transaction in transactions:
        label = fraud_labels.get(transaction.key)
        if label is None and customers_with[transaction.transaction_id] == 1:
            label = fraud_labels.get((None, transaction.transaction_id))
        labelled_at = label and label.get("labelled_at")
        reported_ms = (
            datetime.fromisoformat(labelled_at).timestamp() * 1000 if labelled_at else math.inf
        )
        scenario = (label or {}).get("scenario") or ""
        yield Labelled(transaction, label is not None, reported_ms, scenario)


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
