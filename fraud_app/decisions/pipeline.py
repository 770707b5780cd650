"""A batch of transactions to decisions and changed rows. What is new is scored and counted; what is
not gives its decision again.

Pure but for the rows that it reads. Nothing is sent from here, so a batch can be thrown away and
done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from fraud_app.decisions.classify import DeliveryKind, classify
from fraud_app.decisions.parse import ScoringInput
from fraud_app.decisions.score import NO_SIGNALS, Decided, WithSignals, score
from ml.profile.event import Signals
from ml.serving.scorer import Scorer
from tables.row_update import add_decision
from tables.user_row import UserRow


class Rows(Protocol):
    """Where rows are kept; `tables.row_cache.RowCache` is one."""

    def read(self, partition: int, user_id: str) -> UserRow: ...


class Position(NamedTuple):
    """Where the source stands."""

    epoch: int
    """Which life of the topic: a topic made anew starts at offset 0 again."""
    acked_offsets: Mapping[int, int]
    """By partition, the offset up to which decisions are acknowledged by the broker."""


@dataclass(slots=True)
class DecidedBatch:
    """What a batch leads to."""

    emitted: list[Decided] = field(default_factory=list)
    """Decisions to send, in order: new ones and those that are given again."""
    new: list[Decided] = field(default_factory=list)
    conflicts: list[ScoringInput] = field(default_factory=list)
    redelivered: list[DeliveryKind] = field(default_factory=list)
    rows: dict[int, dict[str, UserRow]] = field(default_factory=dict)
    """Changed rows by partition and user."""


def decide_batch(
    inputs: Sequence[ScoringInput],
    rows: Rows,
    signals: Sequence[Signals] | None,
    scorer: Scorer | None,
    position: Position,
) -> DecidedBatch:
    """Decide a batch. `signals`: across users, one a transaction; None when Redis did not give
    them.

    Raises `ValueError` when a user has more decisions waiting for the broker than a row can hold.
    """
    batch = DecidedBatch()
    current: dict[str, UserRow] = {}
    changed: dict[str, int] = {}
    degraded = () if signals is not None else ("redis",)
    waiting = list(zip(inputs, signals or [NO_SIGNALS] * len(inputs), strict=True))
    while waiting:
        wave, waiting = _first_of_each_user(waiting)
        for item, _ in wave:
            user = item.transaction.user_id
            if user not in current:
                current[user] = rows.read(item.record.partition, user)
        unseen = _unseen(wave, current, position.epoch, batch, changed)
        for item, decision in score(unseen, current, scorer, degraded):
            user, record = item.transaction.user_id, item.record
            acked = position.acked_offsets.get(record.partition, -1)
            current[user] = add_decision(
                current[user], item.event, decision, position.epoch, record.offset, acked
            )
            changed[user] = record.partition
            batch.emitted.append((item, decision))
            batch.new.append((item, decision))
    for user, partition in changed.items():
        batch.rows.setdefault(partition, {})[user] = current[user]
    return batch


def _unseen(
    wave: Sequence[WithSignals],
    current: Mapping[str, UserRow],
    epoch: int,
    batch: DecidedBatch,
    changed: dict[str, int],
) -> list[WithSignals]:
    """Those that were never counted; all others are put into the batch as what they are."""
    unseen = []
    for item, signals in wave:
        user, record = item.transaction.user_id, item.record
        delivery = classify(current[user], item.event, epoch, record.offset)
        if delivery.kind is DeliveryKind.NEW:
            unseen.append((item, signals))
            continue
        batch.redelivered.append(delivery.kind)
        if delivery.kind is DeliveryKind.CONFLICT:
            batch.conflicts.append(item)
        elif delivery.decision is not None:
            batch.emitted.append((item, delivery.decision))
        if delivery.kind is DeliveryKind.REPLAYED:
            # The changelog may lack what the local database has.
            changed[user] = record.partition
    return unseen


def _first_of_each_user(
    waiting: Sequence[WithSignals],
) -> tuple[list[WithSignals], list[WithSignals]]:
    """The first of each user, and the rest in order: a user's next one needs the row that this one
    leaves.
    """
    users: set[str] = set()
    first: list[WithSignals] = []
    later: list[WithSignals] = []
    for item in waiting:
        user = item[0].transaction.user_id
        (later if user in users else first).append(item)
        users.add(user)
    return first, later
