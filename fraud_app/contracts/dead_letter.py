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
HEADERS = (
    "dlq_original_topic",
    "dlq_original_partition",
    "dlq_original_offset",
    "dlq_original_timestamp",
    "dlq_error_code",
    "dlq_error_message",
    "dlq_attempts",
    "dlq_app_version",
    "dlq_masked",
    "dlq_original_length",
    "dlq_original_sha256",
)


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
            ("dlq_error_message", self.detail.encode(errors="replace")[:MAX_DETAIL_BYTES]),
            ("dlq_attempts", str(self.attempts).encode()),
            ("dlq_app_version", app_version.encode()),
        ]
        length = len(self.key or b"") + len(self.value or b"")
        kept = self
        if length > MAX_KEPT_BYTES:
            key = self.key and self.key[: MAX_KEPT_BYTES // 4]
            value = self.value and self.value[: MAX_KEPT_BYTES - len(key or b"")]
            kept = self._replace(key=key, value=value)
            whole = hashlib.sha256((self.key or b"") + (self.value or b""))
            headers.append(("dlq_original_length", str(length).encode()))
            headers.append(("dlq_original_sha256", whole.hexdigest().encode()))
        key, value = (part and card_data.masked(part) for part in (kept.key, kept.value))
        if (key, value) != (kept.key, kept.value):
            headers.append(("dlq_masked", b"1"))
        return key, value, headers
