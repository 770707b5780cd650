"""Builds a transaction from a request body, for submitting and for scoring. What is accepted here
must be accepted by the stream: both read it with `contracts.reading`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import uuid_utils
from pydantic import ValidationError
from pydantic_core import to_json

from fraud_app.contracts.reading import ReadTransaction, read_fields
from fraud_app.decisions.parse import MAX_BYTES
from web.http.problem import Problem, invalid


def transaction_of(body: dict[str, Any], idempotency_key: str | None = None) -> ReadTransaction:
    """The posted transaction. A missing id is the Idempotency-Key or a new UUIDv7, and a missing
    time is now; both are written into the body. Raises `Problem` 422 that names each wrong field.
    """
    if body.get("transaction_id") is None:
        body["transaction_id"] = (idempotency_key or "").strip('"') or str(uuid_utils.uuid7())
    if body.get("occurred_at") is None:
        body["occurred_at"] = datetime.now(UTC).isoformat()
    try:
        return read_fields(body)
    except ValidationError as error:
        raise invalid(error) from error


def record_value(body: dict[str, Any]) -> bytes:
    """The body as the stream will read it. Raises `Problem` 413 when it would be refused there."""
    value = to_json(body)
    if len(value) > MAX_BYTES:
        raise Problem(
            413, "body_too_large", f"{len(value)} bytes of JSON; at most {MAX_BYTES} are accepted"
        )
    return value
