"""Builds a transaction from a request body, for submitting and for scoring."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import uuid_utils

from fraud_app.contracts.transaction import Transaction
from web.http.body import validated


def transaction_of(body: dict[str, Any], idempotency_key: str | None = None) -> Transaction:
    """The posted transaction. A missing id is the Idempotency-Key or a new UUIDv7, and a missing
    time is now. Raises `Problem` 422 that names each wrong field.
    """
    if body.get("transaction_id") is None:
        body["transaction_id"] = (idempotency_key or "").strip('"') or str(uuid_utils.uuid7())
    if body.get("occurred_at") is None:
        body["occurred_at"] = datetime.now(UTC).isoformat()
    return validated(Transaction, body)
