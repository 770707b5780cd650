"""What may be shown and stored of a dead letter: where it is, where its record came from and why,
and the start of its value with card data masked.

Anybody who may write to the topic can put anything there. So nothing here may raise, and every text
is bounded, without card data and without characters that a terminal or a page would act on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pydantic_core import from_json

from fraud_app.contracts import card_data
from fraud_app.contracts.dead_letter import (
    LENGTH,
    MASKED,
    MAX_DETAIL_BYTES,
    SHA256,
    without_split_number,
)

PREVIEW = 240
"""Bytes of a value that a list shows: enough to recognise it."""
MAX_NAME = 128
"""Bytes of a code, a topic or an id."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_999
"""The end of the year 9999: a producer may write any number as the time of a record."""
_LARGEST = 2**63 - 1
"""Of the numbers in headers, as of Kafka's offsets."""
_ID = re.compile(rb'"(transaction_id|user_id)"\s*:\s*"((?:[^"\\]|\\.){1,128})"')


class LetterSummary(NamedTuple):
    """A dead letter without its value."""

    offset: int
    """In `transactions.dlq`, which has one partition."""
    at: datetime
    """When it was written."""
    code: str
    detail: str
    topic: str
    """Where the record came from; empty when the letter does not say."""
    original_partition: int | None
    original_offset: int | None
    original_at: datetime | None
    attempts: int
    masked: bool
    """Whether card data in it was replaced."""
    size: int
    """Bytes of the value as it is in the topic."""
    original_length: int | None
    """Bytes of the record's key and value when the letter was cut; None for a whole one."""
    original_sha256: str | None
    transaction_id: str | None
    """None when none can be read."""
    user_id: str | None
    preview: str


def summary_of(
    offset: int,
    timestamp_ms: int,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes | None]],
) -> LetterSummary:
    """The summary of a message of the dead-letter topic, whoever wrote it. Never raises.

    `offset` and `timestamp_ms` are the message's own.
    """
    value = value or b""
    by_name = {name: content or b"" for name, content in headers}
    ids = _ids(value)

    def text(name: str, limit: int = MAX_NAME) -> str:
        return masked_start(by_name.get(f"dlq_{name}", b""), limit)

    def number(name: str) -> int | None:
        digits = by_name.get(name, b"")
        is_number = digits.isdigit() and len(digits) < 20 and int(digits) <= _LARGEST
        return int(digits) if is_number else None

    original_ms = number("dlq_original_timestamp")
    return LetterSummary(
        offset=offset,
        at=time_of(timestamp_ms),
        code=text("error_code") or "unknown",
        detail=text("error_message", MAX_DETAIL_BYTES),
        topic=text("original_topic"),
        original_partition=number("dlq_original_partition"),
        original_offset=number("dlq_original_offset"),
        original_at=None if original_ms is None else time_of(original_ms),
        attempts=number("dlq_attempts") or 1,
        masked=MASKED in by_name,
        size=len(value),
        original_length=number(LENGTH),
        original_sha256=masked_start(by_name[SHA256], 64) if SHA256 in by_name else None,
        transaction_id=ids.get("transaction_id"),
        user_id=ids.get("user_id"),
        preview=masked_start(value, PREVIEW),
    )


def masked_start(value: bytes, limit: int) -> str:
    """The first `limit` bytes as text that may be shown: card data is masked, and the replacement
    character stands for what is no text.
    """
    start = value if len(value) <= limit else without_split_number(value[:limit])
    return _printable(card_data.masked(start).decode(errors="replace"))


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text
    )


def _ids(value: bytes) -> dict[str, str]:
    """The ids of transaction and customer, also of a text that is cut or no JSON."""
    try:
        fields: Any = from_json(value, allow_partial=True)
    except (ValueError, RecursionError):
        found = _ID.findall(value)
        fields = {name.decode(): text.decode(errors="replace") for name, text in found}
    if not isinstance(fields, dict):
        return {}
    return {
        name: masked_start(fields[name].encode(errors="replace"), 4 * MAX_NAME)[:MAX_NAME]
        for name in ("transaction_id", "user_id")
        if isinstance(fields.get(name), str)
    }


def time_of(ms: int) -> datetime:
    """The time of a message, ms since 1970; the nearest one that a calendar has."""
    return _EPOCH + timedelta(milliseconds=min(max(ms, 0), _LAST_MS))
