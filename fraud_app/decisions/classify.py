"""What a record is to its user's row: new, delivered again by Kafka, or sent twice by the client.

The row alone decides which of these it is. Only a new transaction is scored and counted; for all
others the decision that was made is given again. Pure: nothing here may change a row.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ml import decision_record
from ml.decision_record import DecisionRecord
from ml.profile.event import Event
from ml.profile.update import age_of, body_hash_and_time, is_declined
from tables.origins import Origin, is_counted
from tables.user_row import UserRow, brief_decision


class DeliveryKind(Enum):
    """How a record relates to what was counted before."""

    NEW = "new"
    REPLAYED = "replayed"
    """The record was counted before, and Kafka delivered it again."""
    ALREADY_ACKED = "settled"
    """It was counted before, and the broker has acknowledged its decision: nothing to do."""
    REROUTED_AGAIN = "rerouted_again"
    """A second copy that we made ourselves of a record in a wrong partition: nothing to do."""
    DUPLICATE = "duplicate"
    """Another record with the same transaction id and the same body."""
    UPDATE = "update"
    """The same transaction with the issuer's answer, which was not known before: a decline counts,
    the decision stands.
    """
    CONFLICT = "conflict"
    """Another record with the same transaction id and another body: the first one stands."""


class Classified(NamedTuple):
    """A kind, and the decision to give again."""

    kind: DeliveryKind
    decision: DecisionRecord | None
    """The decision that was made; None for `NEW` and where there is nothing to do."""
    age: int = 0
    """How many of the user's transactions ago it was counted, 1 for the last; 0 when unknown."""


def classify(
    row: UserRow, event: Event, epoch: int, offset: int, origin: Origin | None = None
) -> Classified:
    """What a record is to its user's row.

    `epoch` and `offset` are the record's position. The offsets of one user only grow, since a user
    belongs to one partition. `origin`: of a rerouted record.
    """
    if (epoch, offset) <= (row.epoch, row.offset):
        for pending in row.pending:
            if pending.offset == offset:
                return Classified(DeliveryKind.REPLAYED, decision_record.decode(pending.decision))
        age = age_of(row.profile, event) if event.declined else 0
        if age and body_hash_and_time(row.profile, age)[0] == event.body_hash:
            # Perhaps an update, which is not among the pending decisions: it may not be sent yet.
            return Classified(DeliveryKind.REPLAYED, _stored_decision(row, age), age)
        return Classified(DeliveryKind.ALREADY_ACKED, None)
    if origin is not None and epoch == row.epoch and is_counted(row.origins, origin):
        return Classified(DeliveryKind.REROUTED_AGAIN, None)
    age = age_of(row.profile, event)
    if not age:
        return Classified(DeliveryKind.NEW, None)
    body_hash, _ = body_hash_and_time(row.profile, age)
    if body_hash != event.body_hash:
        kind = DeliveryKind.CONFLICT
    elif event.declined and not is_declined(row.profile, age):
        kind = DeliveryKind.UPDATE
    else:
        kind = DeliveryKind.DUPLICATE
    return Classified(kind, _stored_decision(row, age), age)


def _stored_decision(row: UserRow, age: int) -> DecisionRecord:
    """The complete decision while it is pending; afterwards the parts that the row keeps.

    `age`: 1 for the row's latest transaction.
    """
    if age <= len(row.pending):
        return decision_record.decode(row.pending[-age].decision)
    _, received_ms = body_hash_and_time(row.profile, age)
    brief = brief_decision(row.decisions, age, received_ms)
    model = row.models[brief.model]
    return DecisionRecord(
        decision=brief.decision,
        probability_ppm=brief.probability_ppm,
        degraded=(),
        received_ms=received_ms,
        scored_ms=brief.scored_ms,
        total_us=0,
        features_us=0,
        model_us=0,
        review=model.review,
        block=model.block,
        model=model.model,
    )
