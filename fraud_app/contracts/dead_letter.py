"""The contract of `transactions.dlq`: the original key and value, with the reason in headers. Key
and value must never hold card data: it is masked when the message is made.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from fraud_app.contracts import card_data
from fraud_app.contracts.message import Headers, Message

MAX_DETAIL_BYTES = 1024
"""Long enough for a sentence on a field; the broker limits all headers of a message together."""
MAX_KEPT_BYTES = 262_144
"""Of key and value together. A larger one is no transaction, and with its headers it might be more
than the broker takes (1 MB), which would stop the partition that it came from.
"""
MASKED, LENGTH, SHA256 = "dlq_masked", "dlq_original_length", "dlq_original_sha256"
"""Headers of a letter that does not hold the record's own bytes: card data was masked, or it was
cut. Length and digest are of the record's key and value together.
"""
HEADERS = (
    "dlq_original_topic",
    "dlq_original_partition",
    "dlq_original_offset",
    "dlq_original_timestamp",
    "dlq_error_code",
    "dlq_error_message",
    "dlq_attempts",
    "dlq_app_version",
    MASKED,
    LENGTH,
    SHA256,
)
LONGEST_NUMBER = 128
"""Bytes of the longest card number: 19 digits of any script, with separators between them."""
_NO_LETTERS = bytes(code for code in range(256) if not chr(code).isalpha() or code > 127)
"""Bytes of digits and of whatever stands between them, in any script."""


class DeadLetter(NamedTuple):
    """A record that could not be processed, where it came from and why."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When the broker appended the record, in ms since 1970."""
    key: bytes | None
    value: bytes | None
    code: str
    detail: str
    """For people. It must never repeat the value, which may be what must not be kept."""
    attempts: int = 1
    """How often the record was tried."""

    def message(self, app_version: str) -> Message:
        """The Kafka message. Card data in key and value is masked, and `dlq_masked` says so. What
        is too long is cut; then its length and SHA-256 say what it was.
        """
        headers: Headers = [
            ("dlq_original_topic", self.topic.encode()),
            ("dlq_original_partition", str(self.partition).encode()),
            ("dlq_original_offset", str(self.offset).encode()),
            ("dlq_original_timestamp", str(self.timestamp_ms).encode()),
            ("dlq_error_code", self.code.encode()),
            ("dlq_error_message", _start(self.detail, MAX_DETAIL_BYTES)),
            ("dlq_attempts", str(self.attempts).encode()),
            ("dlq_app_version", app_version.encode()),
        ]
        cut_key, cut_value = _cut(self.key, self.value)
        masked_key = cut_key and card_data.masked(cut_key)
        masked_value = cut_value and card_data.masked(cut_value)
        key, value = _cut(masked_key, masked_value)  # masking can make a text longer
        is_masked = (masked_key, masked_value) != (cut_key, cut_value)
        if (cut_key, cut_value, key, value) != (self.key, self.value, masked_key, masked_value):
            whole = (self.key or b"") + (self.value or b"")
            headers.append((LENGTH, str(len(whole)).encode()))
            headers.append((SHA256, hashlib.sha256(whole).hexdigest().encode()))
        if is_masked:
            headers.append((MASKED, b"1"))
        return key, value, headers


def _start(text: str, limit: int) -> bytes:
    """The first `limit` bytes of a text, without a part of a character at their end."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore").encode()


def without_split_number(part: bytes) -> bytes:
    """The start of a text that was cut, without the digits at its end: what is left of a card
    number cannot be found any more.
    """
    return part[:-LONGEST_NUMBER] + part[-LONGEST_NUMBER:].rstrip(_NO_LETTERS)


def _cut(key: bytes | None, value: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Key and value, or the start of both when they are too long together."""
    if len(key or b"") + len(value or b"") <= MAX_KEPT_BYTES:
        return key, value
    if key and len(key) > MAX_KEPT_BYTES // 4:
        key = without_split_number(key[: MAX_KEPT_BYTES // 4])
    room = MAX_KEPT_BYTES - len(key or b"")
    if value and len(value) > room:
        value = without_split_number(value[:room])
    return key, value
