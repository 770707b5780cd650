"""A Kafka message as plain values, so that pure code can build one without a Kafka library."""

from __future__ import annotations

Headers = list[tuple[str, bytes]]
Message = tuple[bytes | None, bytes | None, Headers]
"""Key, value and headers."""
