"""One transaction meets its user's row: new, replayed after a crash, or sent twice by the client. Pure.

The row alone decides which of these it is. Only a new one is scored and counted; the others give the decision that was made.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ml import decision_record as outcomes
from ml.decision_record import DecisionRecord
from ml.profile.event import Event
from ml.profile.update import age_of, body_hash_and_time, update
from tables.user_row import MODELS, PENDING, ModelUsed, Pending, UserRow, decided, remember, without_first_model


class Meeting(Enum):
    NEW = "new"
    REPLAYED = "replayed"
    """This very record was counted before; Kafka delivered it again."""
    SETTLED = "settled"
    """Counted before, and its decision was acknowledged before the row moved on: nothing to do."""
    DUPLICATE = "duplicate"
    """Another record with an id that was counted before."""
    CONFLICT = "conflict"
    """The id of a counted transaction with another body: the first stands."""


class Met(NamedTuple):
    kind: Meeting
    outcome: DecisionRecord | None
    """The decision that was made; None for new and settled ones."""


def meet(row: UserRow, event: Event, epoch: int, offset: int) -> Met:
    """What this record is to this row. Offsets of one user only ever grow, since a user lives in one partition."""
    if (epoch, offset) <= (row.epoch, row.offset):
        for pending in row.pending:
            if pending.offset == offset:
                return Met(Meeting.REPLAYED, outcomes.decode(pending.outcome))
        return Met(Meeting.SETTLED, None)
    age = age_of(row.profile, event)
    if not age:
        return Met(Meeting.NEW, None)
    body_hash, received_ms = body_hash_and_time(row.profile, age)
    kind = Meeting.DUPLICATE if body_hash == event.body_hash else Meeting.CONFLICT
    return Met(kind, _decision(row, age, received_ms))


def apply(row: UserRow, event: Event, outcome: DecisionRecord, epoch: int, offset: int, settled: int) -> UserRow:
    """The row after a new transaction was decided. Decisions at offsets up to `settled` are acknowledged by the broker.

    Raises `ValueError` when more than `PENDING` decisions would wait: one of them could be lost in a crash.
    """
    waiting = tuple(one for one in row.pending if one.offset > settled) if epoch == row.epoch else ()
    if len(waiting) >= PENDING:
        raise ValueError(f"{len(waiting)} decisions of one user wait for the broker already")
    used = ModelUsed(outcome.model, outcome.review, outcome.block)
    models, decisions = row.models, row.decisions
    if used not in models:
        if len(models) == MODELS:
            models, decisions = models[1:], without_first_model(decisions)
        models = (*models, used)
    return UserRow(
        epoch=epoch,
        offset=offset,
        profile=update(row.profile, event),
        decisions=remember(decisions, outcome, models.index(used), event.received_ms),
        models=models,
        pending=(*waiting, Pending(offset, outcomes.encode(outcome))),
    )


def _decision(row: UserRow, age: int, received_ms: int) -> DecisionRecord:
    """The whole decision while it is pending, later what is kept of it. `age`: 1 for the row's latest transaction."""
    if age <= len(row.pending):
        return outcomes.decode(row.pending[-age].outcome)
    brief = decided(row.decisions, age, received_ms)
    used = row.models[brief.model]
    return DecisionRecord(
        brief.decision,
        brief.probability_ppm,
        (),
        received_ms,
        brief.scored_ms,
        0,
        0,
        0,
        used.review,
        used.block,
        used.model,
    )
