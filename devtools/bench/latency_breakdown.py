"""Where the time of our decisions goes, from the moment a transaction is due to its decision read
back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np
import orjson

HALF_MS = 0.5
"""Kafka's times are whole milliseconds, cut off."""


class Times(NamedTuple):
    """Of one transaction, in ms since 1970."""

    due: float
    received: float
    """In the raw topic."""
    decided: float
    sent: float
    """Handed to the producer, after the row was written."""
    read: float


class Stage(NamedTuple):
    name: str
    p50: float
    p99: float
    """Milliseconds."""


NAMES = ("due to received", "received to decided", "decided to sent", "sent to read")


def times(due_s: float, sent_ms: int, message: bytes, read_s: float) -> Times:
    """What the scored message tells."""
    scored = orjson.loads(message)
    received = datetime.fromisoformat(scored["received_at"]).timestamp() * 1000
    decided = received + scored["latency_ms"]["total"]
    return Times(due_s * 1000, received + HALF_MS, decided, sent_ms + HALF_MS, read_s * 1000)


def of(all_times: Iterable[Times]) -> list[Stage]:
    """Median and 99th percentile of each stage. They do not add up to those of the whole.

    >>> of([Times(0.0, 1.0, 3.0, 3.5, 5.0)])[1]
    Stage(name='received to decided', p50=2.0, p99=2.0)
    """
    spans = np.diff(np.array(list(all_times)), axis=1)
    return [
        Stage(name, *(round(float(value), 2) for value in np.percentile(spans[:, place], (50, 99))))
        for place, name in enumerate(NAMES)
    ]


def summary(stages: Iterable[Stage]) -> str:
    """In one line, p50/p99."""
    return " · ".join(f"{name} {p50:.1f}/{p99:.1f}" for name, p50, p99 in stages)
