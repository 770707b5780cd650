"""Turns a batch of transactions into decisions and changed rows.

New transactions are scored and counted; for all others the earlier decision is given again. Pure,
apart from the rows that it reads. Nothing is sent or stored here, so a batch can be thrown away and
decided again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol

from fraud_app.contracts.message import Header
from fraud_app.decisions.classify import DeliveryKind, classify
from fraud_app.decisions.parse import ScoringInput
from fraud_app.decisions.score import NO_SIGNALS, Decided, WithSignals, score
from ml.profile.event import Signals
from ml.serving.scorer import Scorer
from tables.row_update import add_decision, add_decline, pass_over
from tables.user_row import UserRow


class Rows(Protocol):
    """Gives the rows of users; `tables.row_cache.RowCache` is one implementation."""

    def read(self, partition: int, user_id: str) -> UserRow: ...


class Position(NamedTuple):
    """How far the source topic is processed."""

    epochs: Mapping[int, int]
    """By partition, the number of the topic's life: one that was created anew starts at offset 0
    again. 0 where it was never created anew.
    """
    acked_offsets: Mapping[int, int]
    """By partition, the offset up to which the broker has acknowledged all decisions."""
    assignments: Mapping[int, Header] = MappingProxyType({})
    """By partition, the header that tells the assignment during which it is read here."""


@dataclass(slots=True)
class DecidedBatch:
    """What a batch leads to."""

    emitted: list[Decided] = field(default_factory=list)
    """Decisions to send, in order: the new ones and those that are given again."""
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
    """Decide a batch of transactions.

    `signals`: one for each transaction; None when Redis did not answer. `scorer`: None sends every
    new transaction to review. Raises `ValueError` when more decisions of one user would wait for
    the broker than a row can hold.
    """
    batch = DecidedBatch()
    current: dict[str, UserRow] = {}
    changed: dict[str, int] = {}
    degraded = () if signals is not None else ("redis",)
    remaining = list(zip(inputs, signals or [NO_SIGNALS] * len(inputs), strict=True))
    while remaining:
        wave, remaining = _first_of_each_user(remaining)
        for item, _ in wave:
            user = item.transaction.user_id
            if user not in current:
                current[user] = rows.read(item.record.partition, user)
        new = _take_new(wave, current, position.epochs, batch, changed)
        for item, decision in score(new, current, scorer, degraded):
            user, record = item.transaction.user_id, item.record
            acked = position.acked_offsets.get(record.partition, -1)
            current[user] = add_decision(
                current[user],
                item.event,
                decision,
                position.epochs.get(record.partition, 0),
                record.offset,
                acked,
                record.origin,
            )
            changed[user] = record.partition
            batch.emitted.append((item, decision))
            batch.new.append((item, decision))
    for user, partition in changed.items():
        batch.rows.setdefault(partition, {})[user] = current[user]
    return batch


def _take_new(
    wave: Sequence[WithSignals],
    current: dict[str, UserRow],
    epochs: Mapping[int, int],
    batch: DecidedBatch,
    changed: dict[str, int],
) -> list[WithSignals]:
    """The transactions that were never counted. All others are noted in `batch`.

    `current`: the rows, changed by updates and where a rerouted record must be remembered.
    `changed`: the partition of each user whose row must be written.
    """
    new = []
    for item, signals in wave:
        user, record = item.transaction.user_id, item.record
        row, epoch = current[user], epochs.get(record.partition, 0)
        delivery = classify(row, item.event, epoch, record.offset, record.origin)
        if delivery.kind is DeliveryKind.NEW:
            new.append((item, signals))
            continue
        batch.redelivered.append(delivery.kind)
        if delivery.kind is DeliveryKind.CONFLICT:
            batch.conflicts.append(item)
        elif delivery.decision is not None:
            batch.emitted.append((item, delivery.decision))
        if delivery.kind is DeliveryKind.REPLAYED:
            # Written again, since the changelog may lack a row that the local database has.
            changed[user] = record.partition
        elif delivery.kind is DeliveryKind.UPDATE:
            current[user] = add_decline(row, delivery.age, epoch, record.offset, record.origin)
            changed[user] = record.partition
        elif record.origin is not None and delivery.kind is not DeliveryKind.ALREADY_ACKED:
            current[user] = pass_over(row, epoch, record.offset, record.origin)
            changed[user] = record.partition
    return new


def _first_of_each_user(
    remaining: Sequence[WithSignals],
) -> tuple[list[WithSignals], list[WithSignals]]:
    """The first transaction of each user, and the rest in order.

    The next transaction of a user needs the row that the one before leaves.
    """
    users: set[str] = set()
    first: list[WithSignals] = []
    later: list[WithSignals] = []
    for pair in remaining:
        user = pair[0].transaction.user_id
        (later if user in users else first).append(pair)
        users.add(user)
    return first, later
