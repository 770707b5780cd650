"""The figures of one run of the benchmark. The field names are the keys of its JSON file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devtools.bench.latency import LatencyResult


@dataclass
class BenchResult:
    """All figures of one run. Dictionaries have the contender's name as key; lists have one entry
    per repeat.
    """

    machine: dict[str, Any]
    latency: list[LatencyResult] = field(default_factory=list)
    backlog: dict[str, list[float]] = field(default_factory=dict)
    """Decisions per second."""
    backlog_cpu_s_per_1000: dict[str, list[float]] = field(default_factory=dict)
    resident_mib: dict[str, float] = field(default_factory=dict)
    score: list[LatencyResult] = field(default_factory=list)
    """Of `POST /score`."""
    same_decision: dict[str, float] = field(default_factory=dict)
    """The share of the transactions that were decided as by our system."""
