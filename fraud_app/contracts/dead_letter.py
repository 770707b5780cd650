"""The message for the dead-letter topic `transactions.dlq`: the original key and value, with the
reason in the headers. It must never hold card data.
"""

from __future__ import annotations

from typing import NamedTuple

from fraud_app.contracts import card_data
from fraud_app.contracts.message import Headers, Message

MAX_DETAIL_BYTES = 1024
"""Headers count towards the size of a message, which the broker limits."""
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
)


class DeadLetter(NamedTuple):
    """A record that could not be processed, where it came from and why."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    code: str
    detail: str
    """A message for people. It never repeats the value, which may be card data."""

    def message(self, app_version: str) -> Message:
        """The Kafka message. Card data in key and value is masked; the header `dlq_masked` is then
        set.
        """
        key = self.key and card_data.masked(self.key)
        value = self.value and card_data.masked(self.value)
        headers: Headers = [
            ("dlq_original_topic", self.topic.encode()),
            ("dlq_original_partition", str(self.partition).encode()),
            ("dlq_original_offset", str(self.offset).encode()),
            ("dlq_original_timestamp", str(self.timestamp_ms).encode()),
            ("dlq_error_code", self.code.encode()),
            ("dlq_error_message", self.detail.encode()[:MAX_DETAIL_BYTES]),
            ("dlq_attempts", b"1"),
            ("dlq_app_version", app_version.encode()),
        ]
        if (key, value) != (self.key, self.value):
            headers.append(("dlq_masked", b"1"))
        return key, value, headers
