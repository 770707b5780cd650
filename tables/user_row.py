"""What is stored of one user: behaviour, position in the source, and what was decided lately. Its bytes and its bounds.

Counter, memory of ids and source offset are one value and one changelog record, so they cannot come apart:
- an offset at or below the row's own was counted already; its decision is still here (`pending`) while it may not be durable;
- an id among the latest was counted already; its decision is kept beside it (`decided`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from fraud_app.contracts import Decision
from ml import outcome as outcomes
from ml.behaviour import RECENT, WINDOWS, Behaviour, Bucket, Recent, Seen
from ml.outcome import DECISIONS, Outcome

FORMAT = 1
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
    outcome: Outcome


class UserRow(NamedTuple):
    """One user."""

    epoch: int = 0
    """Which life of the topic the offset belongs to: a topic made anew starts at offset 0 again."""
    offset: int = -1
    behaviour: Behaviour = Behaviour()
    past: bytes = b""
    """`behaviour.recent` as it is stored, each entry with its decision beside it (`remember`, `decided`): one more is appended, not all
    packed anew."""
    models: tuple[ModelUsed, ...] = ()
    pending: tuple[Pending, ...] = ()


EMPTY = UserRow()

_HEAD = struct.Struct("<BIqqqIqIddq24HBBBBBBBB")
_SIZES = struct.Struct(f"<{len(WINDOWS)}B")
_BUCKET = struct.Struct("<IHq")
_SEEN = struct.Struct("<III")
_RECENT = struct.Struct("<QIqqIIH?BiBI")  # a payment, and its decision beside it
_RECEIVED = Recent._fields.index("received_ms")
_MODEL_PLACE = len(Recent._fields) + Decided._fields.index("model")
_MODEL = struct.Struct("<Bdd")
_PENDING = struct.Struct("<qH")


_DECISION_CODES = {decision: code for code, decision in enumerate(DECISIONS)}


def remember(past: bytes, recent: Recent, decided: Decided) -> bytes:
    """The past with one payment and its decision more, and at most as many as a behaviour keeps."""
    return past[-_RECENT.size * (RECENT - 1) :] + _RECENT.pack(
        *recent, _DECISION_CODES[decided.decision], decided.probability_ppm, decided.model,
        min(max(decided.scored_ms - recent.received_ms, 0), 0xFFFFFFFF),
    )  # fmt: skip


def decided(past: bytes, age: int) -> Decided:
    """The decision of one of the latest payments; `age` is 1 for the last."""
    *_, decision, ppm, model, delay_ms = entry = _RECENT.unpack_from(past, len(past) - age * _RECENT.size)
    return Decided(DECISIONS[decision], ppm, model, entry[_RECEIVED] + delay_ms)


def without_first_model(past: bytes) -> bytes:
    """The past when the first of the row's models is dropped; what it decided counts as the next one's."""
    return b"".join(
        _RECENT.pack(*entry[:_MODEL_PLACE], max(entry[_MODEL_PLACE] - 1, 0), *entry[_MODEL_PLACE + 1 :])
        for entry in _RECENT.iter_unpack(past)
    )


def _pack_all(one: struct.Struct, values: Sequence[tuple[Any, ...]]) -> bytes:
    """All of them as one, in a single call; the formats have no padding, so it is the same bytes."""
    return _repeated(one.format, len(values)).pack(*chain.from_iterable(values))


@lru_cache(maxsize=1024)
def _repeated(form: str, times: int) -> struct.Struct:
    return struct.Struct("<" + form.removeprefix("<") * times)


def encode(row: UserRow) -> bytes:
    """The row's bytes, at most 4 KiB. Raises `ValueError` should that bound ever break."""
    known = row.behaviour
    sets = (known.devices, known.countries, known.cards, known.merchants)
    parts = [
        _HEAD.pack(
            FORMAT, row.epoch, row.offset, known.first_ms, known.last_ms, known.payments, known.amount_max_cents,
            known.category_mask, known.latitude, known.longitude, known.place_ms, *known.hours, len(known.recent),
            len(row.models), len(row.pending), *map(len, sets), 0,
        ),
        _SIZES.pack(*map(len, known.windows)),
        _pack_all(_BUCKET, [bucket for buckets in known.windows for bucket in buckets]),
        _pack_all(_SEEN, [seen for group in sets for seen in group]),
        row.past,
    ]  # fmt: skip
    for model, review, block in row.models:
        name = model.encode()
        parts += (_MODEL.pack(len(name), review, block), name)
    for offset, outcome in row.pending:
        data = outcomes.encode(outcome)
        parts += (_PENDING.pack(offset, len(data)), data)
    encoded = b"".join(parts)
    if len(encoded) > BOUND:
        raise ValueError(f"a user row of {len(encoded)} bytes breaks the bound of {BOUND}")
    return encoded


def decode(data: bytes) -> UserRow:
    """The row that `encode` gave these bytes for. Raises `ValueError` for another format."""
    if data[0] != FORMAT:
        raise ValueError(f"a user row of format {data[0]}; this version reads {FORMAT}: rebuild the table")
    (_, epoch, offset, first, last, count, largest, mask, latitude, longitude, place_ms, *rest) = _HEAD.unpack_from(
        data
    )
    hours, (recents, models, pendings, *set_sizes, _) = tuple(rest[:24]), rest[24:]
    at = _HEAD.size
    sizes = _SIZES.unpack_from(data, at)
    at += _SIZES.size
    windows = []
    for size in sizes:
        windows.append(tuple(Bucket(*_BUCKET.unpack_from(data, at + _BUCKET.size * place)) for place in range(size)))
        at += _BUCKET.size * size
    sets = []
    for size in set_sizes:
        sets.append(tuple(Seen(*_SEEN.unpack_from(data, at + _SEEN.size * place)) for place in range(size)))
        at += _SEEN.size * size
    end = at + _RECENT.size * recents
    past = data[at:end]
    at = end
    used = []
    for _ in range(models):
        size, review, block = _MODEL.unpack_from(data, at)
        at += _MODEL.size + size
        used.append(ModelUsed(data[at - size : at].decode(), review, block))
    waiting = []
    for _ in range(pendings):
        position, size = _PENDING.unpack_from(data, at)
        at += _PENDING.size + size
        waiting.append(Pending(position, outcomes.decode(data[at - size : at])))
    return UserRow(
        epoch=epoch,
        offset=offset,
        behaviour=Behaviour(
            first, last, count, largest, mask, latitude, longitude, place_ms, hours, tuple(windows),
            tuple(Recent(*entry[: len(Recent._fields)]) for entry in _RECENT.iter_unpack(past)), *sets,
        ),
        past=past,
        models=tuple(used),
        pending=tuple(waiting),
    )  # fmt: skip


def position(data: bytes) -> tuple[int, int]:
    """Epoch and offset of an encoded row, without decoding the rest: what is newer between two copies."""
    epoch, offset = struct.unpack_from("<Iq", data, 1)
    return epoch, offset


assert RECENT <= 255  # noqa: S101 - the counts in the head are single bytes
