"""A user's row after one more decision. Pure."""

from __future__ import annotations

from ml import decision_record
from ml.decision_record import DecisionRecord
from ml.profile.event import Event
from ml.profile.update import update
from tables.user_row import (
    MAX_MODELS,
    MAX_PENDING,
    ModelUsed,
    Pending,
    UserRow,
    add_brief_decision,
    without_first_model,
)


def add_decision(
    row: UserRow, event: Event, decision: DecisionRecord, epoch: int, offset: int, acked_offset: int
) -> UserRow:
    """The row after a new transaction was decided. Decisions at offsets up to `acked_offset` are
    acknowledged by the broker.

    Raises `ValueError` when more than `PENDING` decisions would wait: one of them could be lost in
    a crash.
    """
    waiting = (
        tuple(one for one in row.pending if one.offset > acked_offset) if epoch == row.epoch else ()
    )
    if len(waiting) >= MAX_PENDING:
        raise ValueError(f"{len(waiting)} decisions of one user wait for the broker already")
    used = ModelUsed(decision.model, decision.review, decision.block)
    models, decisions = row.models, row.decisions
    if used not in models:
        if len(models) == MAX_MODELS:
            models, decisions = models[1:], without_first_model(decisions)
        models = (*models, used)
    return UserRow(
        epoch=epoch,
        offset=offset,
        profile=update(row.profile, event),
        decisions=add_brief_decision(decisions, decision, models.index(used), event.received_ms),
        models=models,
        pending=(*waiting, Pending(offset, decision_record.encode(decision))),
    )
