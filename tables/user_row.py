"""What is stored of one user: the profile, the position in the source, and the latest decisions.

Counters, the memory of ids and the source offset are one value and one changelog record, so they
cannot contradict each other:

- A record at or below the row's offset was counted already. Its decision is still in `pending` as
  long as the broker may not have it.
- A transaction id among the latest ones was counted already. Its decision is in `decisions`.

An encoded row is at most 4 KiB. Format 3, little endian, without padding:

    | bytes        | field          | type                  | content                              |
    |--------------|----------------|-----------------------|--------------------------------------|
    | 0            | format         | u8                    | 3                                    |
    | 1 - 4        | epoch          | u32                   | life of the source topic             |
    | 5 - 12       | offset         | i64                   | last counted record; -1 for none     |
    | 13           | D              | u8                    | number of brief decisions            |
    | 14           | M              | u8                    | number of models                     |
    | 15           | P              | u8                    | number of pending decisions          |
    | 16 - 17      | S              | u16                   | bytes of the profile                 |
    | S bytes      | profile        | `ml.profile.layout`   |                                      |
    | D times 10   | decision       | u8                    | index in `DECISIONS`                 |
    |              | probability    | i32                   | parts per million; -1 for none       |
    |              | model          | u8                    | index in the models of this row      |
    |              | delay          | u32                   | ms from received to scored           |
    | M times      | N              | u8                    | bytes of the name                    |
    | 17 + N       | review, block  | f64, f64              | cutoffs                              |
    |              | name           | UTF-8                 | `name:version`; empty without model  |
    | P times      | offset         | i64                   | source record of the decision        |
    | 10 + R       | R              | u16                   | bytes of the decision                |
    |              | decision       | `ml.decision_record`  |                                      |
    | to the end   | origins        | `tables.origins`      | rerouted records that are counted    |

The formats 1 and 2 are drawn in `user_row_legacy`.
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
from tables import origins, user_row_legacy
from tables.origins import Origin

FORMAT = 3
MAX_BYTES = 4096
"""Of an encoded row: it is written to RocksDB, the changelog and Redis for each transaction."""
MAX_PENDING = 4
"""Most decisions of one user that may wait for the broker at once. agents/scoring.py holds back
further transactions of the user.
"""
MAX_MODELS = 3
"""Most models of the brief decisions; a fourth one drops the oldest."""


class BriefDecision(NamedTuple):
    """The decision of one of the latest transactions: enough to give it again, without reasons."""

    decision: Decision
    probability_ppm: int
    model: int
    """Index in the row's models."""
    scored_ms: int


class ModelUsed(NamedTuple):
    """A model that decided, with the cutoffs that it had."""

    model: str
    """`name:version`; empty without a model."""
    review: float
    block: float


class Pending(NamedTuple):
    """A decision that the broker may not have had yet when the row was written."""

    offset: int
    decision: bytes
    """As `ml.decision_record` encodes it."""


class UserRow(NamedTuple):
    """Everything that is stored of one user."""

    epoch: int = 0
    """Life of the topic that `offset` belongs to: a topic created anew starts at offset 0 again."""
    offset: int = -1
    """Of the last counted record."""
    profile: Profile = NEVER_SEEN
    decisions: bytes = b""
    """Packed, one for each of the profile's latest transactions: see `brief_decision`."""
    models: tuple[ModelUsed, ...] = ()
    pending: tuple[Pending, ...] = ()
    origins: tuple[Origin, ...] = ()


EMPTY = UserRow()

_HEAD = struct.Struct("<BIqBBBH")
_POSITION = struct.Struct("<Iq")
_DECISION = struct.Struct("<BiBI")
_MODEL = struct.Struct("<Bdd")
_PENDING = struct.Struct("<qH")

_DECISION_CODES = {decision: code for code, decision in enumerate(DECISIONS)}


def add_brief_decision(
    decisions: bytes, decision: DecisionRecord, model: int, received_ms: int
) -> bytes:
    """The packed decisions with one more, without the oldest one of too many.

    `model`: index of its model in the row's models. `received_ms`: when the transaction was
    received, in ms since 1970.
    """
    previous = decisions[-_DECISION.size * (recent.MAX_RECENT - 1) :]
    return previous + _DECISION.pack(
        _DECISION_CODES[decision.decision],
        decision.probability_ppm,
        model,
        min(max(decision.scored_ms - received_ms, 0), 0xFFFFFFFF),
    )


def brief_decision(decisions: bytes, age: int, received_ms: int) -> BriefDecision:
    """The decision of a transaction that was received at `received_ms`; `age`: 1 for the last."""
    start = len(decisions) - age * _DECISION.size
    decision, ppm, model, delay_ms = _DECISION.unpack_from(decisions, start)
    return BriefDecision(DECISIONS[decision], ppm, model, received_ms + delay_ms)


def without_first_model(decisions: bytes) -> bytes:
    """The decisions after the first of the row's models was dropped.

    The decisions of the dropped model then count as those of the next one.
    """
    return b"".join(
        _DECISION.pack(decision, ppm, max(model - 1, 0), delay_ms)
        for decision, ppm, model, delay_ms in _DECISION.iter_unpack(decisions)
    )


def encode(row: UserRow) -> bytes:
    """The row's bytes. Raises `ValueError` if they are more than 4 KiB."""
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
    if row.origins:
        encoded += origins.encode(row.origins, MAX_BYTES - len(encoded))
    if len(encoded) > MAX_BYTES:
        raise ValueError(f"a user row of {len(encoded)} bytes breaks the bound of {MAX_BYTES}")
    return encoded


def decode(data: bytes) -> UserRow:
    """The row that `encode` gave these bytes for, in today's format or an older one.

    Raises `ValueError` for any other format.
    """
    if data[0] != FORMAT:
        return _decode_legacy(data)
    _, epoch, offset, decision_count, model_count, pending_count, profile_size = _HEAD.unpack_from(
        data
    )
    decisions_start = _HEAD.size + profile_size
    decisions_end = decisions_start + _DECISION.size * decision_count
    models, pending, counted = _decode_tail(data, decisions_end, model_count, pending_count)
    return UserRow(
        epoch,
        offset,
        data[_HEAD.size : decisions_start],
        data[decisions_start:decisions_end],
        models,
        pending,
        counted,
    )


def _decode_tail(
    data: bytes, start: int, model_count: int, pending_count: int
) -> tuple[tuple[ModelUsed, ...], tuple[Pending, ...], tuple[Origin, ...]]:
    """The models, pending decisions and origins, with which every format ends."""
    models = []
    for _ in range(model_count):
        end = start + _MODEL.size + data[start]
        models.append(_decoded_model(data[start:end]))
        start = end
    pending = []
    for _ in range(pending_count):
        offset, size = _PENDING.unpack_from(data, start)
        start += _PENDING.size + size
        pending.append(Pending(offset, data[start - size : start]))
    counted = origins.decode(data[start:]) if start < len(data) else ()
    return tuple(models), tuple(pending), counted


def _decode_legacy(data: bytes) -> UserRow:
    if data[0] not in user_row_legacy.FORMATS:
        raise ValueError(
            f"a user row of format {data[0]}; this version reads {FORMAT}: rebuild the table"
        )
    legacy = user_row_legacy.read(data, _DECISION.size)
    epoch, offset = position(data)
    models, pending, _ = _decode_tail(data, legacy.end, legacy.models, legacy.pendings)
    return UserRow(epoch, offset, legacy.profile, legacy.decisions, models, pending)


@lru_cache(maxsize=64)
def _encoded_model(model: ModelUsed) -> bytes:
    name = model.model.encode()
    return _MODEL.pack(len(name), model.review, model.block) + name


@lru_cache(maxsize=64)
def _decoded_model(encoded: bytes) -> ModelUsed:
    _, review, block = _MODEL.unpack_from(encoded)
    return ModelUsed(encoded[_MODEL.size :].decode(), review, block)


def may_be_row(data: bytes) -> bool:
    """Whether the bytes begin like an encoded row of any format."""
    return len(data) > 1 + _POSITION.size and 1 <= data[0] <= FORMAT


def position(data: bytes) -> tuple[int, int]:
    """Epoch and offset of an encoded row in any format: they tell which of two copies is newer."""
    epoch, offset = _POSITION.unpack_from(data, 1)
    return epoch, offset


assert recent.MAX_RECENT <= 255  # noqa: S101 - the counts in the head are single bytes
