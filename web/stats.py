"""Figures of a window for the dashboard, from the rollup: each transaction counted once, in constant time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from fraud_app.app import history
from fraud_app.history import rollup
from fraud_app.history.store import HistoryAway
from ml.policy import BLOCK_SCORE, REVIEW_SCORE
from web.body import answer, query
from web.models import LatencyStats, Moment, ScoreBin, Stats, StatsQuery
from web.transactions import history_away

DECISIONS = ("approve", "review", "block")
PROMISE_MS = 50.0
MOMENTS = 60
WINDOWS = {"5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400}


async def stats(request: web.Request) -> web.Response:
    """Decisions, rates, latency, scores and their course over the window."""
    window = query(StatsQuery, request).window
    now = datetime.now(UTC)
    try:
        start = now - timedelta(seconds=WINDOWS[window])
        rows = await history.ask(lambda connected: rollup.since(connected, start))
    except HistoryAway as error:
        raise history_away() from error
    return answer(summary(rows, window, now).model_dump(mode="json"))


def summary(rows: Sequence[Any], window: str, now: datetime) -> Stats:
    """The figures of rollup rows that lie within the window before `now`."""
    seconds = WINDOWS[window]
    decisions: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    scores: dict[int, Counter[str]] = {start: Counter() for start in range(0, 100, rollup.SCORE_BIN)}
    step = max(rollup.BUCKET_S, seconds // MOMENTS)
    first = int((now - timedelta(seconds=seconds)).timestamp()) // step * step
    series: dict[int, Counter[str]] = {at: Counter() for at in range(first, int(now.timestamp()) + 1, step)}
    latest = None
    for row in rows:
        count, decision = row["transactions"], row["decision"]
        decisions[decision] += count
        amounts[decision] += row["amount_eur"]
        scores[row["score_bin"] * rollup.SCORE_BIN][decision] += count
        at = int(row["bucket"].timestamp()) // step * step
        if at in series:
            series[at][decision] += count
        latest = max(latest, row["bucket"]) if latest else row["bucket"]
    total = sum(decisions.values())
    bins = rollup.latency_bins(rows)
    kept = rollup.LATENCY_EDGES_MS.index(PROMISE_MS)
    within = sum(count for place, count in bins.items() if place <= kept)
    return Stats(
        window=window,
        transactions=total,
        per_minute=total / (seconds / 60),
        decisions={decision: decisions[decision] for decision in DECISIONS},
        block_rate=decisions["block"] / total if total else None,
        review_rate=decisions["review"] / total if total else None,
        amount_eur={decision: float(amounts[decision]) for decision in DECISIONS},
        latency_ms=LatencyStats(
            p50=rollup.percentile(bins, 0.5), p95=rollup.percentile(bins, 0.95), p99=rollup.percentile(bins, 0.99),
            within_promise=within / total if total else None,
        ),
        scores=[ScoreBin(start=start, **{one: counts[one] for one in DECISIONS}) for start, counts in scores.items()],
        series=[
            Moment(at=datetime.fromtimestamp(at, UTC), **{one: counts[one] for one in DECISIONS}) for at, counts in series.items()
        ],
        thresholds={"review": REVIEW_SCORE, "block": BLOCK_SCORE},
        last_scored_at=latest,
    )  # fmt: skip
