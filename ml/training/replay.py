"""The features of a history, replayed in time order through the same functions that the live system
uses. A feature must never be computed in another way for training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fraud_app.contracts.transaction import Transaction
from fraud_app.contracts.transaction_key import TransactionKey
from ml.features import Row, compute
from ml.profile.cross_user_signals import OfflineSignals
from ml.profile.event import Event, Signals, event_of, hash64
from ml.profile.update import EMPTY, Profile, update


class Replayed(NamedTuple):
    """A transaction with its features, as they were before it was counted."""

    transaction: Transaction
    event: Event
    features: Row
    """float32, one value for each feature."""


def replay(
    transactions: Iterable[tuple[Transaction, int]],
    shared: dict[TransactionKey, Signals] | None = None,
) -> Iterator[Replayed]:
    """Features of each transaction. The input is pairs of a transaction and its ingest time (ms
    since 1970), in order of arrival.

    `shared`: the signals across users that the live system recorded; without it they are computed
    here. Raises `KeyError` for a transaction that is not in it.
    """
    profiles: dict[str, Profile] = {}
    offline_signals = OfflineSignals()
    for transaction, received_ms in transactions:
        event = event_of(transaction, received_ms)
        profile = profiles.get(transaction.user_id, EMPTY)
        signals = (
            offline_signals.observe(event, hash64(transaction.user_id))
            if shared is None
            else shared[transaction.key]
        )
        yield Replayed(transaction, event, compute([(profile, event, signals)])[0])
        profiles[transaction.user_id] = update(profile, event)
