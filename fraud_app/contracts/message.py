"""A Kafka message as plain values, so that pure code can build one without a Kafka library."""

from __future__ import annotations

Header = tuple[str, bytes]
Headers = list[Header]
Message = tuple[bytes | None, bytes | None, Headers]
"""Key, value and headers."""
