"""Statistics of a time window for the dashboard. They are read from the rollups, so that each
transaction is counted once and the time does not grow with the traffic. The history must not be
read here.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from fraud_app.contracts.scored import DECISIONS, LATENCY_TARGET_MS
from fraud_app.decisions.policy import BLOCK_SCORE, REVIEW_SCORE
from fraud_app.decisions.reasons import FIRST_PAYMENT, short_meaning
from fraud_app.postgres import breakdown_rollup, decision_rollup
from ml.features import CATALOGUE
from web.api.query import query
from web.http.body import answer, query_parameters
from web.schemas.stats import (
    Before,
    Breakdowns,
    Hour,
    LatencyStats,
    Moment,
    Part,
    ScoreBin,
    Stats,
    StatsQuery,
)

MOMENTS = 60
"""Points of a chart."""
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
HEATMAP = timedelta(weeks=4)
"""Long enough for each hour of the week to occur four times."""
WINDOW_S = {"5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400}


async def stats(request: web.Request) -> web.Response:
    """Decisions, rates, latency, scores and their course over the window, and the figures of the
    one before.
    """
    window = query_parameters(StatsQuery, request).window
    now = datetime.now(UTC)
    span, step = timedelta(seconds=WINDOW_S[window]), _step(window)
    rows, before = await asyncio.gather(
        query(lambda pool: decision_rollup.between(pool, now - span, now, step)),
        query(
            lambda pool: decision_rollup.between(
                pool, now - 2 * span, now - span, 2 * WINDOW_S["24h"]
            )
        ),
    )
    return answer(summary(rows, before, window, now).model_dump(mode="json"))


async def breakdowns(request: web.Request) -> web.Response:
    """Countries and reasons of the window, and decisions by the hour over four weeks."""
    window = query_parameters(StatsQuery, request).window
    now = datetime.now(UTC)
    start = now - timedelta(seconds=WINDOW_S[window])
    countries, reasons, hours = await asyncio.gather(
        query(lambda pool: breakdown_rollup.by_kind(pool, "country", start)),
        query(lambda pool: breakdown_rollup.by_kind(pool, "reason", start)),
        query(lambda pool: breakdown_rollup.by_hour(pool, now - HEATMAP)),
    )
    meanings = {feature.name: short_meaning(feature) for feature in CATALOGUE} | {
        FIRST_PAYMENT: "first payment of a customer"
    }
    report = Breakdowns(
        window=window,
        countries=[_part(row, row["value"]) for row in countries],
        reasons=[_part(row, meanings.get(row["value"], row["value"])) for row in reasons],
        hours=[
            Hour(at=row["bucket"], transactions=row["transactions"], flagged=row["flagged"])
            for row in hours
        ],
    )
    return answer(report.model_dump(mode="json"))


def _part(row: Any, name: str) -> Part:
    return Part(
        value=row["value"],
        name=name,
        flagged_eur=float(row["flagged_eur"] or 0),
        **{decision.value: row[decision] or 0 for decision in DECISIONS},
    )


def _step(window: str) -> int:
    """Length of a moment in seconds. It is a whole number of buckets; else every other moment would
    hold one bucket more than its neighbour.
    """
    buckets = math.ceil(WINDOW_S[window] / MOMENTS / decision_rollup.BUCKET_S)
    return buckets * decision_rollup.BUCKET_S


class _Sums:
    """Sums of rollup rows, by decision and by latency bin."""

    def __init__(self) -> None:
        self.decisions: Counter[str] = Counter()
        self.amounts: Counter[str] = Counter()
        self.latency: Counter[int] = Counter()

    def add(self, row: Any) -> None:
        self.decisions[row["decision"]] += row["transactions"]
        self.amounts[row["decision"]] += row["amount_eur"]
        self.latency[row["latency_bin"]] += row["transactions"]

    def rate(self, decision: str) -> float | None:
        total = self.decisions.total()
        return self.decisions[decision] / total if total else None

    def percentiles(self) -> dict[str, float | None]:
        return {
            name: decision_rollup.percentile(self.latency, share)
            for name, share in PERCENTILES.items()
        }


def summary(rows: Sequence[Any], before: Sequence[Any], window: str, now: datetime) -> Stats:
    """The statistics of the window that ends at `now`, from its rollup rows; and those of the
    window before it, from the rows `before`.
    """
    window_s, step = WINDOW_S[window], _step(window)
    current, previous = _Sums(), _Sums()
    scores: dict[int, Counter[str]] = {
        start: Counter() for start in range(0, 100, decision_rollup.SCORE_BIN)
    }
    first = int((now - timedelta(seconds=window_s)).timestamp()) // step * step
    series = {at: _Sums() for at in range(first, int(now.timestamp()) + 1, step)}
    latest = None
    for row in before:
        previous.add(row)
    for row in rows:
        current.add(row)
        scores[row["score_bin"] * decision_rollup.SCORE_BIN][row["decision"]] += row["transactions"]
        at = int(row["bucket"].timestamp()) // step * step
        if at in series:
            series[at].add(row)
        latest = max(latest, row["bucket"]) if latest else row["bucket"]
    total = current.decisions.total()
    return Stats(
        window=window,
        transactions=total,
        per_minute=total / (window_s / 60),
        decisions={decision.value: current.decisions[decision] for decision in DECISIONS},
        block_rate=current.rate("block"),
        review_rate=current.rate("review"),
        amount_eur={decision.value: float(current.amounts[decision]) for decision in DECISIONS},
        latency_ms=LatencyStats(
            **current.percentiles(), within_promise=_within_promise(current, total)
        ),
        scores=[
            ScoreBin(start=start, **{decision.value: counts[decision] for decision in DECISIONS})
            for start, counts in scores.items()
        ],
        series=[_moment(at, sums) for at, sums in series.items()],
        step_s=step,
        before=_before(previous, window_s),
        thresholds={"review": REVIEW_SCORE, "block": BLOCK_SCORE},
        last_scored_at=latest,
    )


def _within_promise(sums: _Sums, total: int) -> float | None:
    """Share of the decisions within 50 ms; None when there are none."""
    last_bin = decision_rollup.LATENCY_EDGES_MS.index(LATENCY_TARGET_MS)
    count = sum(count for latency_bin, count in sums.latency.items() if latency_bin <= last_bin)
    return count / total if total else None


def _before(sums: _Sums, window_s: int) -> Before:
    return Before(
        transactions=sums.decisions.total(),
        per_minute=sums.decisions.total() / (window_s / 60),
        block_rate=sums.rate("block"),
        review_rate=sums.rate("review"),
        blocked_eur=float(sums.amounts["block"]),
        p99=sums.percentiles()["p99"],
    )


def _moment(at: int, sums: _Sums) -> Moment:
    return Moment(
        at=datetime.fromtimestamp(at, UTC),
        **{decision.value: sums.decisions[decision] for decision in DECISIONS},
        blocked_eur=float(sums.amounts["block"]),
        reviewed_eur=float(sums.amounts["review"]),
        **sums.percentiles(),
    )
