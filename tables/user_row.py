"""What is stored of one user: profile, position in the source, and what was decided lately. Its
bytes and its bounds.

Counter, memory of ids and source offset are one value and one changelog record, so they cannot come apart:
- an offset at or below the row's own was counted already; its decision is still here (`pending`) while it may not be durable;
- an id among the latest was counted already; its decision is kept beside it (`decided`).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from fraud_app.contracts.scored import DECISIONS, Decision
from ml.decision_record import DecisionRecord
from ml.profile import recent
from ml.profile.update import EMPTY as NEVER_SEEN
from ml.profile.update import Profile
from tables import user_row_legacy

FORMAT = 3
MAX_BYTES = 4096
MAX_PENDING = 4
"""Most decisions of one user that may wait for the broker at once (agents/scoring.py holds a user's
further ones back).
"""
MAX_MODELS = 3


class BriefDecision(NamedTuple):
    """The decision of one of the latest transactions, in brief: enough to give it again, without
    its reasons.
    """

    decision: Decision
    probability_ppm: int
    model: int
    """Place in the row's models."""
    scored_ms: int


class ModelUsed(NamedTuple):
    model: str
    review: float
    block: float


class Pending(NamedTuple):
    """A decision that was perhaps not yet acknowledged by the broker when the row was written."""

    offset: int
    decision: bytes
    """As `ml.decision_record` encodes it."""


class UserRow(NamedTuple):
    """One user."""

    epoch: int = 0
    """Which life of the topic the offset belongs to: a topic made anew starts at offset 0 again."""
    offset: int = -1
    profile: Profile = NEVER_SEEN
    decisions: bytes = b""
    """Packed, one each of the profile's latest payments (`remember`, `decided`)."""
    models: tuple[ModelUsed, ...] = ()
    pending: tuple[Pending, ...] = ()


EMPTY = UserRow()

_HEAD = struct.Struct("<BIqBBBH")
_DECISION = struct.Struct("<BiBI")
_MODEL = struct.Struct("<Bdd")
_PENDING = struct.Struct("<qH")

_DECISION_CODES = {decision: code for code, decision in enumerate(DECISIONS)}


def add_brief_decision(
    decisions: bytes, decision: DecisionRecord, model: int, received_ms: int
) -> bytes:
    """The decisions with one more, and at most as many as there are latest payments. `model`: its
    place in the row's models.
    """
    return decisions[-_DECISION.size * (recent.MAX_RECENT - 1) :] + _DECISION.pack(
        _DECISION_CODES[decision.decision],
        decision.probability_ppm,
        model,
        min(max(decision.scored_ms - received_ms, 0), 0xFFFFFFFF),
    )


def brief_decision(decisions: bytes, age: int, received_ms: int) -> BriefDecision:
    """The decision of the payment that was received then; `age` is 1 for the last."""
    decision, ppm, model, delay_ms = _DECISION.unpack_from(
        decisions, len(decisions) - age * _DECISION.size
    )
    return BriefDecision(DECISIONS[decision], ppm, model, received_ms + delay_ms)


def without_first_model(decisions: bytes) -> bytes:
    """The decisions when the first of the row's models is dropped; what it decided counts as the
    next one's.
    """
    return b"".join(
        _DECISION.pack(decision, ppm, max(model - 1, 0), delay_ms)
        for decision, ppm, model, delay_ms in _DECISION.iter_unpack(decisions)
    )


def encode(row: UserRow) -> bytes:
    """The row's bytes, at most 4 KiB. Raises `ValueError` should that bound ever break."""
    parts = [
        _HEAD.pack(
            FORMAT,
            row.epoch,
            row.offset,
            len(row.decisions) // _DECISION.size,
            len(row.models),
            len(row.pending),
            len(row.profile),
        ),
        row.profile,
        row.decisions,
        *map(_encoded_model, row.models),
    ]
    for offset, decision in row.pending:
        parts += (_PENDING.pack(offset, len(decision)), decision)
    encoded = b"".join(parts)
    if len(encoded) > MAX_BYTES:
        raise ValueError(f"a user row of {len(encoded)} bytes breaks the bound of {MAX_BYTES}")
    return encoded


def decode(data: bytes) -> UserRow:
    """The row that `encode` gave these bytes for; reads the formats before, too. Raises
    `ValueError` for any other.
    """
    if data[0] != FORMAT:
        return _decode_legacy(data)
    _, epoch, offset, decisions, models, pendings, size = _HEAD.unpack_from(data)
    at = _HEAD.size + size
    end = at + _DECISION.size * decisions
    used, waiting = _tail(data, end, models, pendings)
    return UserRow(epoch, offset, data[_HEAD.size : at], data[at:end], used, waiting)


def _tail(
    data: bytes, at: int, models: int, pendings: int
) -> tuple[tuple[ModelUsed, ...], tuple[Pending, ...]]:
    """The models and the decisions that wait, which every format ends with."""
    used = []
    for _ in range(models):
        end = at + _MODEL.size + data[at]
        used.append(_model(data[at:end]))
        at = end
    waiting = []
    for _ in range(pendings):
        position, size = _PENDING.unpack_from(data, at)
        at += _PENDING.size + size
        waiting.append(Pending(position, data[at - size : at]))
    return tuple(used), tuple(waiting)


def _decode_legacy(data: bytes) -> UserRow:
    if data[0] not in user_row_legacy.FORMATS:
        raise ValueError(
            f"a user row of format {data[0]}; this version reads {FORMAT}: rebuild the table"
        )
    before = user_row_legacy.read(data, _DECISION.size)
    return UserRow(
        *position(data),
        before.profile,
        before.decisions,
        *_tail(data, before.end, before.models, before.pendings),
    )


@lru_cache(maxsize=64)
def _encoded_model(used: ModelUsed) -> bytes:
    name = used.model.encode()
    return _MODEL.pack(len(name), used.review, used.block) + name


@lru_cache(maxsize=64)
def _model(encoded: bytes) -> ModelUsed:
    _, review, block = _MODEL.unpack_from(encoded)
    return ModelUsed(encoded[_MODEL.size :].decode(), review, block)


def position(data: bytes) -> tuple[int, int]:
    """Epoch and offset of an encoded row, without decoding the rest: what is newer between two
    copies.
    """
    epoch, offset = struct.unpack_from("<Iq", data, 1)
    return epoch, offset


assert recent.MAX_RECENT <= 255  # noqa: S101 - the counts in the head are single bytes
