"""Features of a whole history, replayed in time order through the very functions that the live
system uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fraud_app.contracts.transaction import Transaction
from ml.features import Row, compute
from ml.profile.cross_user_signals import OfflineSignals
from ml.profile.event import Event, Signals, event_of, hash64
from ml.profile.update import EMPTY, Profile, update


class Replayed(NamedTuple):
    transaction: Transaction
    event: Event
    features: Row
    """float32."""


def replay(
    transactions: Iterable[tuple[Transaction, int]], shared: dict[str, Signals] | None = None
) -> Iterator[Replayed]:
    """Features of each transaction, given with its ingest time (ms), in the order of arrival.

    `shared`: the signals across users that were recorded live, by transaction id; without it they
    are computed here.
    """
    users: dict[str, Profile] = {}
    memory = OfflineSignals()
    for transaction, received_ms in transactions:
        event = event_of(transaction, received_ms)
        profile = users.get(transaction.user_id, EMPTY)
        signals = (
            memory.observe(event, hash64(transaction.user_id))
            if shared is None
            else shared[transaction.transaction_id]
        )
        yield Replayed(transaction, event, compute([(profile, event, signals)])[0])
        users[transaction.user_id] = update(profile, event)
