"""Figures of a window for the dashboard, from the rollup: each transaction counted once, in
constant time.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from fraud_app.contracts.scored import DECISIONS
from fraud_app.decisions.policy import BLOCK_SCORE, REVIEW_SCORE
from fraud_app.decisions.reasons import FIRST_PAYMENT, in_short
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

PROMISE_MS = 50.0
MOMENTS = 60
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
HEATMAP = timedelta(weeks=4)
WINDOWS = {"5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400}


async def stats(request: web.Request) -> web.Response:
    """Decisions, rates, latency, scores and their course over the window, and the figures of the
    one before.
    """
    window = query_parameters(StatsQuery, request).window
    now = datetime.now(UTC)
    span, step = timedelta(seconds=WINDOWS[window]), _step(window)
    rows, before = await asyncio.gather(
        query(lambda connected: decision_rollup.between(connected, now - span, now, step)),
        query(
            lambda connected: decision_rollup.between(
                connected, now - 2 * span, now - span, 2 * WINDOWS["24h"]
            )
        ),
    )
    return answer(summary(rows, before, window, now).model_dump(mode="json"))


async def breakdowns(request: web.Request) -> web.Response:
    """Countries and reasons of the window, and decisions by the hour over four weeks."""
    window = query_parameters(StatsQuery, request).window
    now = datetime.now(UTC)
    start = now - timedelta(seconds=WINDOWS[window])
    countries, reasons, hours = await asyncio.gather(
        query(lambda connected: breakdown_rollup.by_kind(connected, "country", start)),
        query(lambda connected: breakdown_rollup.by_kind(connected, "reason", start)),
        query(lambda connected: breakdown_rollup.by_hour(connected, now - HEATMAP)),
    )
    meanings = {one.name: in_short(one) for one in CATALOGUE} | {
        FIRST_PAYMENT: "first payment of a customer"
    }
    told = Breakdowns(
        window=window,
        countries=[_share(row, row["value"]) for row in countries],
        reasons=[_share(row, meanings.get(row["value"], row["value"])) for row in reasons],
        hours=[
            Hour(at=row["bucket"], transactions=row["transactions"], flagged=row["flagged"])
            for row in hours
        ],
    )
    return answer(told.model_dump(mode="json"))


def _share(row: Any, name: str) -> Part:
    return Part(
        value=row["value"],
        name=name,
        flagged_eur=float(row["flagged_eur"] or 0),
        **{decision.value: row[decision] or 0 for decision in DECISIONS},
    )


def _step(window: str) -> int:
    """Seconds a moment: whole buckets, or every other moment would hold one more than its
    neighbour.
    """
    return (
        math.ceil(WINDOWS[window] / MOMENTS / decision_rollup.BUCKET_S) * decision_rollup.BUCKET_S
    )


class _Sums:
    """What rows of the rollup add up to."""

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
    """The figures of rollup rows that lie within the window before `now`, and within the one before
    that.
    """
    seconds, step = WINDOWS[window], _step(window)
    whole, past = _Sums(), _Sums()
    scores: dict[int, Counter[str]] = {
        start: Counter() for start in range(0, 100, decision_rollup.SCORE_BIN)
    }
    first = int((now - timedelta(seconds=seconds)).timestamp()) // step * step
    series = {at: _Sums() for at in range(first, int(now.timestamp()) + 1, step)}
    latest = None
    for row in before:
        past.add(row)
    for row in rows:
        whole.add(row)
        scores[row["score_bin"] * decision_rollup.SCORE_BIN][row["decision"]] += row["transactions"]
        at = int(row["bucket"].timestamp()) // step * step
        if at in series:
            series[at].add(row)
        latest = max(latest, row["bucket"]) if latest else row["bucket"]
    total = whole.decisions.total()
    kept = decision_rollup.LATENCY_EDGES_MS.index(PROMISE_MS)
    within = sum(count for place, count in whole.latency.items() if place <= kept)
    return Stats(
        window=window,
        transactions=total,
        per_minute=total / (seconds / 60),
        decisions={decision.value: whole.decisions[decision] for decision in DECISIONS},
        block_rate=whole.rate("block"),
        review_rate=whole.rate("review"),
        amount_eur={decision.value: float(whole.amounts[decision]) for decision in DECISIONS},
        latency_ms=LatencyStats(
            **whole.percentiles(), within_promise=within / total if total else None
        ),
        scores=[
            ScoreBin(start=start, **{decision.value: counts[decision] for decision in DECISIONS})
            for start, counts in scores.items()
        ],
        series=[_moment(at, sums) for at, sums in series.items()],
        step_s=step,
        before=Before(
            transactions=past.decisions.total(),
            per_minute=past.decisions.total() / (seconds / 60),
            block_rate=past.rate("block"),
            review_rate=past.rate("review"),
            blocked_eur=float(past.amounts["block"]),
            p99=past.percentiles()["p99"],
        ),
        thresholds={"review": REVIEW_SCORE, "block": BLOCK_SCORE},
        last_scored_at=latest,
    )


def _moment(at: int, sums: _Sums) -> Moment:
    return Moment(
        at=datetime.fromtimestamp(at, UTC),
        **{decision.value: sums.decisions[decision] for decision in DECISIONS},
        blocked_eur=float(sums.amounts["block"]),
        reviewed_eur=float(sums.amounts["review"]),
        **sums.percentiles(),
    )
