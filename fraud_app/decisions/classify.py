"""What a transaction is to its user's row: new, replayed after a crash, or sent twice by the
client. Pure.

The row alone decides which of these it is. Only a new one is scored and counted; the others give
the decision that was made.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ml import decision_record
from ml.decision_record import DecisionRecord
from ml.profile.event import Event
from ml.profile.update import age_of, body_hash_and_time
from tables.user_row import (
    UserRow,
    brief_decision,
)


class DeliveryKind(Enum):
    NEW = "new"
    REPLAYED = "replayed"
    """This very record was counted before; Kafka delivered it again."""
    ALREADY_ACKED = "settled"
    """Counted before, and its decision was acknowledged before the row moved on: nothing to do."""
    DUPLICATE = "duplicate"
    """Another record with an id that was counted before."""
    CONFLICT = "conflict"
    """The id of a counted transaction with another body: the first stands."""


class Classified(NamedTuple):
    kind: DeliveryKind
    decision: DecisionRecord | None
    """The decision that was made; None for new ones and those acknowledged before."""


def classify(row: UserRow, event: Event, epoch: int, offset: int) -> Classified:
    """What this record is to this row. Offsets of one user only ever grow, since a user lives in
    one partition.
    """
    if (epoch, offset) <= (row.epoch, row.offset):
        for pending in row.pending:
            if pending.offset == offset:
                return Classified(DeliveryKind.REPLAYED, decision_record.decode(pending.decision))
        return Classified(DeliveryKind.ALREADY_ACKED, None)
    age = age_of(row.profile, event)
    if not age:
        return Classified(DeliveryKind.NEW, None)
    body_hash, received_ms = body_hash_and_time(row.profile, age)
    kind = DeliveryKind.DUPLICATE if body_hash == event.body_hash else DeliveryKind.CONFLICT
    return Classified(kind, _stored_decision(row, age, received_ms))


def _stored_decision(row: UserRow, age: int, received_ms: int) -> DecisionRecord:
    """The whole decision while it is pending, later what is kept of it. `age`: 1 for the row's
    latest transaction.
    """
    if age <= len(row.pending):
        return decision_record.decode(row.pending[-age].decision)
    brief = brief_decision(row.decisions, age, received_ms)
    used = row.models[brief.model]
    return DecisionRecord(
        decision=brief.decision,
        probability_ppm=brief.probability_ppm,
        degraded=(),
        received_ms=received_ms,
        scored_ms=brief.scored_ms,
        total_us=0,
        features_us=0,
        model_us=0,
        review=used.review,
        block=used.block,
        model=used.model,
    )
