"""Builds a transaction from a request body, for submitting and for scoring. HTTP judges the very
bytes that the stream would read, with the stream's own function: so the two cannot differ. Card
data must not get further than this module.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import uuid_utils
from pydantic import ValidationError
from pydantic_core import to_json

from fraud_app import metrics
from fraud_app.contracts import card_data, masked_header
from fraud_app.contracts.message import Message
from fraud_app.contracts.reading import REQUIRED, ReadTransaction, read_json
from fraud_app.decisions.parse import MAX_BYTES
from web.http.problem import Problem, invalid, pointer

REQUIRED_TEXTS = REQUIRED - {"amount"}


class PostedTransaction(NamedTuple):
    """A transaction as it was posted, and the record that is published for it."""

    read: ReadTransaction
    value: bytes
    """Without card data."""

    def message(self) -> Message:
        """What is published: with a header from which the stream gives the warnings that the value
        no longer shows.
        """
        user = self.read.transaction.user_id.encode()
        return user, self.value, masked_header.headers_of(_findings(self.read))


def posted_transaction(
    body: dict[str, Any], idempotency_key: str | None = None
) -> PostedTransaction:
    """The posted transaction. A missing id is the Idempotency-Key or a new UUIDv7, and a missing
    time is now; both are written into the body. Raises `Problem` 422 that names each wrong field
    and each that is named for card data, and 413 that names the largest one when the record would
    be too large.
    """
    if body.get("transaction_id") is None:
        body["transaction_id"] = (idempotency_key or "").strip('"') or str(uuid_utils.uuid7())
    if body.get("occurred_at") is None:
        body["occurred_at"] = datetime.now(UTC).isoformat()
    # JSON has no infinity, but a number such as 1e400 is read as one, and is published as text. It
    # must not become an id: without a text in each of these the stream refuses the transaction.
    has_texts = all(isinstance(body.get(name), str) for name in REQUIRED_TEXTS)
    value = to_json(body, inf_nan_mode="strings" if has_texts else "constants")
    if len(value) > MAX_BYTES:
        raise _too_large(body, len(value))
    try:
        read = read_json(value)
    except ValidationError as error:
        raise invalid(error) from error
    findings = _findings(read)
    _refuse([finding.pointer for finding in findings if finding.problem == card_data.FIELD])
    return PostedTransaction(read, card_data.masked(value) if findings else value)


def _findings(read: ReadTransaction) -> list[card_data.Finding]:
    return [
        card_data.Finding(warning.field, warning.problem)
        for warning in read.warnings
        if warning.problem in card_data.KINDS
    ]


def _refuse(pointers: list[str]) -> None:
    if pointers:
        metrics.CARD_DATA.labels("refused").inc()
        raise Problem(
            422,
            "validation_failed",
            f"{', '.join(pointers)}: {card_data.REFUSED}",
            errors=[
                {"pointer": pointer, "detail": card_data.REFUSED, "code": "card_data"}
                for pointer in pointers
            ],
        )


def _too_large(body: dict[str, Any], size: int) -> Problem:
    largest = max(body, key=lambda name: len(name) + len(to_json(body[name])))[:128]
    detail = f"{size} bytes of JSON; at most {MAX_BYTES} are accepted"
    return Problem(
        413,
        "body_too_large",
        detail,
        errors=[{"pointer": pointer(largest), "detail": "the largest field", "code": "too_large"}],
    )
