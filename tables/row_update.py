"""A user's row after one more decision. Pure: it returns a new row."""

from __future__ import annotations

from ml import decision_record
from ml.decision_record import DecisionRecord
from ml.profile.event import Event
from ml.profile.update import update, with_decline
from tables import origins
from tables.origins import Origin
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
    row: UserRow,
    event: Event,
    decision: DecisionRecord,
    epoch: int,
    offset: int,
    acked_offset: int,
    origin: Origin | None = None,
) -> UserRow:
    """The row after a new transaction at `offset` was decided.

    The broker has acknowledged all decisions up to `acked_offset`; they are no longer pending.
    `origin`: of a rerouted record.
    Raises `ValueError` when more than `MAX_PENDING` decisions would be pending: one of them could
    be lost in a crash.
    """
    row = _in_epoch(row, epoch)
    pending = tuple(decided for decided in row.pending if decided.offset > acked_offset)
    if len(pending) >= MAX_PENDING:
        raise ValueError(f"{len(pending)} decisions of one user wait for the broker already")
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
        pending=(*pending, Pending(offset, decision_record.encode(decision))),
        origins=origins.add(row.origins, origin),
    )


def add_decline(
    row: UserRow, age: int, epoch: int, offset: int, origin: Origin | None = None
) -> UserRow:
    """The row after the issuer declined a transaction that is counted already; `age`: how many
    transactions ago, 1 for the last.
    """
    passed = pass_over(row, epoch, offset, origin)
    return passed._replace(profile=with_decline(row.profile, age))


def pass_over(row: UserRow, epoch: int, offset: int, origin: Origin | None) -> UserRow:
    """The row after a record that is no new transaction; no second copy of it will be one."""
    row = _in_epoch(row, epoch)
    return row._replace(epoch=epoch, offset=offset, origins=origins.add(row.origins, origin))


def _in_epoch(row: UserRow, epoch: int) -> UserRow:
    """The row without the positions of an earlier life of the topic."""
    return row if row.epoch == epoch else row._replace(pending=(), origins=())
