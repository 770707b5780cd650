"""Values for tests. A test names only the fields that matter to it; the others have defaults."""

from __future__ import annotations

import itertools
import math
import uuid
from datetime import UTC, datetime
from typing import Any

from fraud_app.contracts.scored import Decision
from fraud_app.contracts.transaction import Transaction
from ml.decision_record import DecisionRecord
from ml.profile.event import Event, event_of

NOW_MS = 1_764_000_000_000
FOREIGN_KEY = b"\x00\xff"
"""Of messages that a test puts on our own topics as if a stranger had: other readers skip them."""
_numbers = itertools.count(1)


def payload(**fields: Any) -> dict[str, Any]:
    """A transaction as a shop sends it."""
    return {
        "transaction_id": f"t{next(_numbers)}",
        "user_id": "u1",
        "amount": "20.00",
        "currency": "EUR",
        "occurred_at": datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat(),
        "merchant_id": "m1",
        "category": "other",
        "payment_method": {"type": "card", "fingerprint": "fp1", "bin_country": "DE"},
        "device_id": "d1",
        "ip": "203.0.113.9",
        "country": "DE",
        "latitude": 52.52,
        "longitude": 13.4,
        **fields,
    }


def fresh(**fields: Any) -> dict[str, Any]:
    """A transaction of a customer whom no other test knows, as a shop sends it."""
    mark = uuid.uuid4().hex
    return payload(**{"transaction_id": f"t-{mark}", "user_id": f"u-{mark}", **fields})


def transaction(**fields: Any) -> Transaction:
    return Transaction.model_validate(payload(**fields))


def event(received_ms: int = NOW_MS, **fields: Any) -> Event:
    return event_of(transaction(**fields), received_ms)


def decision(**fields: Any) -> DecisionRecord:
    return DecisionRecord(
        **{
            "decision": Decision.APPROVE,
            "probability_ppm": 1234,
            "degraded": (),
            "received_ms": NOW_MS,
            "scored_ms": NOW_MS + 3,
            "total_us": 3000,
            "features_us": 50,
            "model_us": 400,
            "review": 0.05,
            "block": 0.4,
            "model": "fraud-lgbm:1",
            **fields,
        }
    )


def same(a: Any, b: Any) -> bool:
    """Equal, with NaN equal to NaN, also within tuples."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return bool(a == b)
