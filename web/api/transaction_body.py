"""A posted transaction, with what may be left out filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import uuid_utils

from fraud_app.contracts.transaction import Transaction
from web.http.body import checked


def transaction_of(body: dict[str, Any], idempotency_key: str | None = None) -> Transaction:
    """The posted transaction, with what may be left out filled in. Raises `Problem` 422."""
    if body.get("transaction_id") is None:
        body["transaction_id"] = (idempotency_key or "").strip('"') or str(uuid_utils.uuid7())
    if body.get("occurred_at") is None:
        body["occurred_at"] = datetime.now(UTC).isoformat()
    return checked(Transaction, body)
