"""Everything that was decided of one transaction, as a small value that a user's row can keep.

A record plus the transaction as it was sent gives the scored message
(`fraud_app/decisions/scored_message.py`), byte for byte, at any later time. That is what makes a
replay after a crash emit the very same decision.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from fraud_app.contracts.scored import DECISIONS, Decision

DEGRADABLE = ("redis", "model")
NO_PROBABILITY = -1

_HEAD = struct.Struct("<BiBqqIIIddBBH")
_REASON = struct.Struct("<Bf")


class Contribution(NamedTuple):
    feature: int
    """Place in the catalogue."""
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
    """float32 in the order of the catalogue; empty when they were not kept."""

    @property
    def probability(self) -> float | None:
        return None if self.probability_ppm < 0 else self.probability_ppm / 1e6


def encode(outcome: DecisionRecord) -> bytes:
    model = outcome.model.encode()
    degraded = sum(1 << DEGRADABLE.index(name) for name in outcome.degraded)
    return b"".join(
        (
            _HEAD.pack(
                DECISIONS.index(outcome.decision),
                outcome.probability_ppm,
                degraded,
                outcome.received_ms,
                outcome.scored_ms,
                outcome.total_us,
                outcome.features_us,
                outcome.model_us,
                outcome.review,
                outcome.block,
                len(model),
                len(outcome.reasons),
                len(outcome.features),
            ),
            model,
            *(_REASON.pack(*reason) for reason in outcome.reasons),
            outcome.features,
        )
    )


def decode(data: bytes) -> DecisionRecord:
    """The outcome that `encode` gave these bytes for. Raises `struct.error` for anything shorter."""
    (
        decision,
        ppm,
        degraded,
        received,
        scored,
        total,
        features_us,
        model_us,
        review,
        block,
        models,
        reasons,
        size,
    ) = _HEAD.unpack_from(data)
    place = _HEAD.size + models
    end = place + reasons * _REASON.size
    return DecisionRecord(
        DECISIONS[decision],
        ppm,
        tuple(name for bit, name in enumerate(DEGRADABLE) if degraded >> bit & 1),
        received,
        scored,
        total,
        features_us,
        model_us,
        review,
        block,
        data[_HEAD.size : place].decode(),
        tuple(Contribution(*reason) for reason in _REASON.iter_unpack(data[place:end])),
        data[end : end + size],
    )
