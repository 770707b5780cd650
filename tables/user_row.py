"""What is stored of one user: behaviour, position in the source, and what was decided lately. Its bytes and its bounds.

Counter, memory of ids and source offset are one value and one changelog record, so they cannot come apart:
- an offset at or below the row's own was counted already; its decision is still here (`pending`) while it may not be durable;
- an id among the latest was counted already; its decision is kept beside it (`decided`).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from fraud_app.contracts import Decision
from ml import latest, seen, windows
from ml.behaviour import Behaviour
from ml.outcome import DECISIONS, Outcome

FORMAT = 2
_INTERLEAVED = 1
"""The format before: each decision stood behind its payment."""
BOUND = 4096
PENDING = 4
"""Most decisions of one user that may wait for the broker at once (agents/scoring.py holds a user's further ones back)."""
MODELS = 3


class Decided(NamedTuple):
    """The decision of one of the latest transactions, in brief: enough to give it again, without its reasons."""

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
    outcome: bytes
    """As `ml.outcome` encodes it."""


class UserRow(NamedTuple):
    """One user."""

    epoch: int = 0
    """Which life of the topic the offset belongs to: a topic made anew starts at offset 0 again."""
    offset: int = -1
    behaviour: Behaviour = Behaviour()
    decisions: bytes = b""
    """Packed, one each of `behaviour.latest` (`remember`, `decided`)."""
    models: tuple[ModelUsed, ...] = ()
    pending: tuple[Pending, ...] = ()


EMPTY = UserRow()

_HEAD = struct.Struct("<BIqqqIqIddq24HBBBBBBBB")
_SIZES = struct.Struct(f"<{len(windows.WINDOWS)}B")
_DECISION = struct.Struct("<BiBI")
_MODEL = struct.Struct("<Bdd")
_PENDING = struct.Struct("<qH")

_DECISION_CODES = {decision: code for code, decision in enumerate(DECISIONS)}


def remember(decisions: bytes, outcome: Outcome, model: int, received_ms: int) -> bytes:
    """The decisions with one more, and at most as many as there are latest payments. `model`: its place in the row's models."""
    return decisions[-_DECISION.size * (latest.KEPT - 1) :] + _DECISION.pack(
        _DECISION_CODES[outcome.decision], outcome.probability_ppm, model,
        min(max(outcome.scored_ms - received_ms, 0), 0xFFFFFFFF),
    )  # fmt: skip


def decided(decisions: bytes, age: int, received_ms: int) -> Decided:
    """The decision of the payment that was received then; `age` is 1 for the last."""
    decision, ppm, model, delay_ms = _DECISION.unpack_from(decisions, len(decisions) - age * _DECISION.size)
    return Decided(DECISIONS[decision], ppm, model, received_ms + delay_ms)


def without_first_model(decisions: bytes) -> bytes:
    """The decisions when the first of the row's models is dropped; what it decided counts as the next one's."""
    return b"".join(
        _DECISION.pack(decision, ppm, max(model - 1, 0), delay_ms)
        for decision, ppm, model, delay_ms in _DECISION.iter_unpack(decisions)
    )


def encode(row: UserRow) -> bytes:
    """The row's bytes, at most 4 KiB. Raises `ValueError` should that bound ever break."""
    known = row.behaviour
    sets = (known.devices, known.countries, known.cards, known.merchants)
    parts = [
        _HEAD.pack(
            FORMAT, row.epoch, row.offset, known.first_ms, known.last_ms, known.payments, known.amount_max_cents,
            known.category_mask, known.latitude, known.longitude, known.place_ms, *known.hours, latest.count(known.latest),
            len(row.models), len(row.pending), *map(seen.count, sets), 0,
        ),
        _SIZES.pack(*[len(packed) // windows.SIZE for packed in known.windows]),
        *known.windows,
        *sets,
        known.latest,
        row.decisions,
        *map(_encoded_model, row.models),
    ]  # fmt: skip
    for offset, outcome in row.pending:
        parts += (_PENDING.pack(offset, len(outcome)), outcome)
    encoded = b"".join(parts)
    if len(encoded) > BOUND:
        raise ValueError(f"a user row of {len(encoded)} bytes breaks the bound of {BOUND}")
    return encoded


def decode(data: bytes) -> UserRow:
    """The row that `encode` gave these bytes for; reads the format before, too. Raises `ValueError` for any other."""
    if data[0] not in (FORMAT, _INTERLEAVED):
        raise ValueError(f"a user row of format {data[0]}; this version reads {FORMAT}: rebuild the table")
    (_, epoch, offset, first, last, count, largest, mask, latitude, longitude, place_ms, *rest) = _HEAD.unpack_from(
        data
    )
    payments, models, pendings, *set_sizes, _ = rest[24:]
    sizes = _SIZES.unpack_from(data, _HEAD.size)
    at = _HEAD.size + _SIZES.size
    packed = []
    for size in [*(windows.SIZE * size for size in sizes), *(seen.SIZE * size for size in set_sizes)]:
        packed.append(data[at : at + size])
        at += size
    middle = at + latest.SIZE * payments
    end = middle + _DECISION.size * payments
    last_payments, decisions = (data[at:middle], data[middle:end]) if data[0] == FORMAT else _parted(data[at:end])
    at = end
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
    behaviour = Behaviour(
        first, last, count, largest, mask, latitude, longitude, place_ms, tuple(rest[:24]),
        tuple(packed[: len(sizes)]), last_payments, *packed[len(sizes) :],
    )  # fmt: skip
    return UserRow(epoch, offset, behaviour, decisions, tuple(used), tuple(waiting))


@lru_cache(maxsize=64)
def _encoded_model(used: ModelUsed) -> bytes:
    name = used.model.encode()
    return _MODEL.pack(len(name), used.review, used.block) + name


@lru_cache(maxsize=64)
def _model(encoded: bytes) -> ModelUsed:
    _, review, block = _MODEL.unpack_from(encoded)
    return ModelUsed(encoded[_MODEL.size :].decode(), review, block)


def _parted(interleaved: bytes) -> tuple[bytes, bytes]:
    """Payments and decisions of the format before."""
    both = struct.Struct(f"{latest.SIZE}s{_DECISION.size}s")
    payments, decisions = zip(*both.iter_unpack(interleaved), strict=True) if interleaved else ((), ())
    return b"".join(payments), b"".join(decisions)


def position(data: bytes) -> tuple[int, int]:
    """Epoch and offset of an encoded row, without decoding the rest: what is newer between two copies."""
    epoch, offset = struct.unpack_from("<Iq", data, 1)
    return epoch, offset


assert latest.KEPT <= 255  # noqa: S101 - the counts in the head are single bytes
