"""Builds the scored message of a transaction and its decision.

One pure function of both, so that a record's message has the same bytes whenever it is made again,
after a crash too.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from pydantic_core import to_json

from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions import reasons
from fraud_app.decisions.policy import risk_level, risk_score
from ml.decision_record import DecisionRecord
from ml.features import NAMES
from ml.profile.event import occurred_ms
from ml.profile.windows import MINUTE_MS
from ml.serving.cutoffs import Cutoffs
from ml.serving.registry import parts_of


def scored_fields(
    tx: Transaction, decision: DecisionRecord, warnings: Sequence[InputWarning] = ()
) -> dict[str, Any]:
    """The fields of `ScoredTransaction`, ready for JSON. NaN stays NaN."""
    features = feature_values(decision.features)
    cutoffs = Cutoffs(decision.review, decision.block) if decision.model else None
    name, version, digest = parts_of(decision.model)
    method, occurred = tx.payment_method, occurred_ms(tx)
    return {
        "transaction_id": tx.transaction_id,
        "user_id": tx.user_id,
        "amount": format(tx.amount, "f"),
        "currency": tx.currency,
        "merchant_id": tx.merchant_id,
        "category": tx.category.value,
        "payment_method": {
            "type": method.type,
            "fingerprint": method.fingerprint,
            "bin_country": method.bin_country,
            **(method.model_extra or {}),
        },
        "device_id": tx.device_id,
        "ip": tx.ip,
        "country": tx.country,
        "issuer_response": tx.issuer_response,
        "decision": decision.decision.value,
        "risk_score": risk_score(decision.probability, cutoffs),
        "probability": decision.probability,
        "risk_level": risk_level(decision.decision),
        "reasons": [reason.model_dump() for reason in reasons.explain(decision.reasons, features)]
        if decision.reasons
        else [],
        "missing": missing_features(features),
        "degraded": list(decision.degraded),
        "model": {"name": name, "version": version, "digest": digest} if decision.model else None,
        "thresholds": {"review": decision.review, "block": decision.block}
        if decision.model
        else None,
        "features": features if features else None,
        "latency_ms": {
            "total": decision.total_us / 1000,
            "features": decision.features_us / 1000,
            "model": decision.model_us / 1000,
        },
        "input_warnings": [warning.model_dump() for warning in warnings],
        "occurred_at": None if occurred is None else timestamp(occurred),
        "received_at": timestamp(decision.received_ms),
        "scored_at": timestamp(decision.scored_ms),
        "metadata": tx.metadata,
    }


def scored_message(
    tx: Transaction, decision: DecisionRecord, warnings: Sequence[InputWarning] = ()
) -> bytes:
    """The message on `transactions.scored`. NaN becomes null, integers of any size stay exact."""
    fields = scored_fields(tx, decision, warnings)
    try:
        return orjson.dumps(fields)
    except TypeError:  # an integer of more than 64 bits in the metadata
        return to_json(fields, inf_nan_mode="null")


def missing_features(features: tuple[float, ...]) -> list[str]:
    """The names of the features that are NaN.

    The sum of all is NaN when any is, so the common case costs one addition a feature.
    """
    if math.isfinite(sum(features)):
        return []
    return [name for name, value in zip(NAMES, features, strict=False) if value != value]


def feature_values(features: bytes) -> tuple[float, ...]:
    """The model's input as numbers, from packed float32; empty when it was not kept."""
    return struct.unpack(f"<{len(features) // 4}f", features)


def timestamp(ms: int) -> str:
    """A time in ms since 1970 as RFC 3339 text, in UTC with milliseconds.

    >>> timestamp(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    minute, rest = divmod(ms, MINUTE_MS)
    return _minute(minute) + _SECONDS[rest // 1000] + _MILLISECONDS[rest % 1000]


_SECONDS = [f"{second:02d}." for second in range(60)]
_MILLISECONDS = [f"{ms:03d}Z" for ms in range(1000)]


@lru_cache(maxsize=4096)
def _minute(minutes: int) -> str:
    return datetime.fromtimestamp(minutes * 60, UTC).strftime("%Y-%m-%dT%H:%M:")
