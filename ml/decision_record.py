"""Everything that was decided about one transaction, as a small value that a user's row can store.

A record and the transaction as it was sent give the scored message
(`fraud_app/decisions/scored_message.py`), byte for byte, at any later time. So a replay after a
crash emits exactly the same decision. A field must never be left out of the encoding.

Encoded, little-endian, without padding:

    offset  type     field
    0       uint8    decision: index in `DECISIONS`
    1       int32    probability, parts per million; -1: none
    5       uint8    degraded: one bit for each name of `DEGRADABLE`
    6       int64    received, ms since 1970
    14      int64    scored, ms since 1970
    22      uint32   total latency, microseconds
    26      uint32   latency of the features, microseconds
    30      uint32   latency of the model, microseconds
    34      float64  review cutoff
    42      float64  block cutoff
    50      uint8    m: bytes of the model's name
    51      uint8    n: number of reasons
    52      uint16   f: bytes of the features
    54      m bytes  model, UTF-8
    54+m    n × 5    reasons: uint8 feature, float32 log-odds
    54+m+5n f bytes  features, float32 each
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from fraud_app.contracts.scored import DECISIONS, Decision

DEGRADABLE = ("redis", "model")
"""What can be missing from a decision; the order is that of the bits."""
NO_PROBABILITY = -1
"""`probability_ppm` of a decision without a model."""

_HEAD = struct.Struct("<BiBqqIIIddBBH")
_REASON = struct.Struct("<Bf")


class Contribution(NamedTuple):
    """What one feature added to the score."""

    feature: int
    """Index in the catalogue."""
    log_odds: float
    """float32."""


class DecisionRecord(NamedTuple):
    """A decision and what led to it."""

    decision: Decision
    probability_ppm: int
    """Calibrated probability in parts per million; -1 without a model."""
    degraded: tuple[str, ...]
    received_ms: int
    scored_ms: int
    total_us: int
    features_us: int
    model_us: int
    review: float
    block: float
    model: str
    """`name:version`; empty without a model."""
    reasons: tuple[Contribution, ...] = ()
    features: bytes = b""
    """float32 in the order of the catalogue; empty when they were not stored."""

    @property
    def probability(self) -> float | None:
        """Calibrated probability from 0 to 1; None without a model."""
        return None if self.probability_ppm < 0 else self.probability_ppm / 1e6


def encode(record: DecisionRecord) -> bytes:
    """The bytes of a record, as in the table above. Raises `struct.error` for a value that does not
    fit its type.
    """
    model = record.model.encode()
    head = _HEAD.pack(
        DECISIONS.index(record.decision),
        record.probability_ppm,
        sum(1 << DEGRADABLE.index(name) for name in record.degraded),
        record.received_ms,
        record.scored_ms,
        record.total_us,
        record.features_us,
        record.model_us,
        record.review,
        record.block,
        len(model),
        len(record.reasons),
        len(record.features),
    )
    reasons = (_REASON.pack(*reason) for reason in record.reasons)
    return b"".join((head, model, *reasons, record.features))


def decode(data: bytes) -> DecisionRecord:
    """The record that `encode` gave these bytes for. Raises `struct.error` for fewer bytes."""
    (
        decision,
        probability_ppm,
        degraded_bits,
        received_ms,
        scored_ms,
        total_us,
        features_us,
        model_us,
        review,
        block,
        model_size,
        reason_count,
        features_size,
    ) = _HEAD.unpack_from(data)
    model_end = _HEAD.size + model_size
    reasons_end = model_end + reason_count * _REASON.size
    reasons = _REASON.iter_unpack(data[model_end:reasons_end])
    return DecisionRecord(
        DECISIONS[decision],
        probability_ppm,
        tuple(name for bit, name in enumerate(DEGRADABLE) if degraded_bits >> bit & 1),
        received_ms,
        scored_ms,
        total_us,
        features_us,
        model_us,
        review,
        block,
        data[_HEAD.size : model_end].decode(),
        tuple(Contribution(*reason) for reason in reasons),
        data[reasons_end : reasons_end + features_size],
    )
