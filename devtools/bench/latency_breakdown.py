"""In which stage the time of our decisions is spent, from the moment a transaction is due to its
decision read back. It only uses what the scored message itself says.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np
import orjson

HALF_MS = 0.5
"""Kafka's timestamps are whole milliseconds, rounded down; half of one is the mean of what is cut
off."""


class StageTimes(NamedTuple):
    """When one transaction passed each stage, in ms since 1970."""

    due: float
    received: float
    """Appended to the raw topic."""
    decided: float
    sent: float
    """Given to the producer, after the user row was written."""
    read: float


class Stage(NamedTuple):
    """The duration of one stage, in ms."""

    name: str
    p50: float
    p99: float


NAMES = ("due to received", "received to decided", "decided to sent", "sent to read")


def stage_times(due_s: float, sent_ms: int, message: bytes, read_s: float) -> StageTimes:
    """The times of one transaction. `message`: its scored message; `due_s` and `read_s`: seconds
    since 1970.
    """
    scored = orjson.loads(message)
    received = datetime.fromisoformat(scored["received_at"]).timestamp() * 1000
    decided = received + scored["latency_ms"]["total"]
    return StageTimes(due_s * 1000, received + HALF_MS, decided, sent_ms + HALF_MS, read_s * 1000)


def summarize(times: Iterable[StageTimes]) -> list[Stage]:
    """Median and 99th percentile of each stage. They do not add up to those of the whole latency.

    >>> summarize([StageTimes(0.0, 1.0, 3.0, 3.5, 5.0)])[1]
    Stage(name='received to decided', p50=2.0, p99=2.0)
    """
    durations = np.diff(np.array(list(times)), axis=1)
    percentiles = np.percentile(durations, (50, 99), axis=0).T
    return [
        Stage(name, round(float(p50), 2), round(float(p99), 2))
        for name, (p50, p99) in zip(NAMES, percentiles, strict=True)
    ]


def format_stages(stages: Iterable[Stage]) -> str:
    """All stages in one line, each as p50/p99."""
    return " · ".join(f"{stage.name} {stage.p50:.1f}/{stage.p99:.1f}" for stage in stages)
