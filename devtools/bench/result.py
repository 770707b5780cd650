"""The figures of one run of the bench."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devtools.bench.latency import LatencyResult


@dataclass
class BenchResult:
    """All figures of one run of the bench."""

    machine: dict[str, Any]
    latency: list[LatencyResult] = field(default_factory=list)
    backlog: dict[str, list[float]] = field(default_factory=dict)
    backlog_cpu_s_per_1000: dict[str, list[float]] = field(default_factory=dict)
    resident_mib: dict[str, float] = field(default_factory=dict)
    score: list[LatencyResult] = field(default_factory=list)
    same_decision: dict[str, float] = field(default_factory=dict)
