"""Models of the statistics of a time window."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fraud_app.contracts.scored import LATENCY_TARGET_MS


class StatsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    window: Literal["5m", "15m", "1h", "6h", "24h"] = "15m"


class LatencyStats(BaseModel):
    p50: float | None
    p95: float | None
    p99: float | None
    within_promise: float | None = Field(description="share of the decisions within promise_ms")
    promise_ms: float = LATENCY_TARGET_MS


class ScoreBin(BaseModel):
    """Decisions with a risk score from `start` up to the next bin's start."""

    start: int
    approve: int
    review: int
    block: int


class Moment(BaseModel):
    at: datetime
    approve: int
    review: int
    block: int
    blocked_eur: float
    reviewed_eur: float
    p50: float | None
    p95: float | None
    p99: float | None


class Before(BaseModel):
    """The window before this one, to compare with."""

    transactions: int
    per_minute: float
    block_rate: float | None
    review_rate: float | None
    blocked_eur: float
    p99: float | None


class Stats(BaseModel):
    """Decisions of the window that ends now, each transaction counted once."""

    window: str
    transactions: int
    per_minute: float
    decisions: dict[str, int]
    block_rate: float | None
    review_rate: float | None
    amount_eur: dict[str, float] = Field(
        description="by decision; without transactions in a currency that has no rate to the euro"
    )
    latency_ms: LatencyStats
    scores: list[ScoreBin]
    series: list[Moment]
    step_s: int = Field(description="length of each moment of the series")
    before: Before
    thresholds: dict[str, int]
    last_scored_at: datetime | None


class Part(BaseModel):
    """One country or reason."""

    value: str
    name: str
    approve: int
    review: int
    block: int
    flagged_eur: float


class Hour(BaseModel):
    at: datetime
    transactions: int
    flagged: int


class Breakdowns(BaseModel):
    """Where and why. Reasons are counted for flagged decisions; a decision has up to five."""

    window: str
    countries: list[Part]
    reasons: list[Part]
    hours: list[Hour] = Field(
        description="by the hour over four weeks, whatever the window; "
        "hours without any are left out"
    )
