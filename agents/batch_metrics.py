"""Counts what the scoring agent did with a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from fraud_app import metrics
from fraud_app.contracts.scored import Decision
from fraud_app.decisions.pipeline import DecidedBatch
from fraud_app.resources import recent_decisions
from ml.serving.registry import name_and_version

_TOTAL, _FEATURES, _MODEL = (
    metrics.SCORING_SECONDS.labels(stage) for stage in ("total", "features", "model")
)


def count_batch(decided: DecidedBatch, dead_letters: Sequence[str], size: int) -> None:
    """Count a batch in the metrics. `dead_letters`: their codes; `size`: in records."""
    metrics.BATCH_SIZE.observe(size)
    for item, decision in decided.new:
        _scored_counter(decision.decision, decision.model).inc()
        _TOTAL.observe(decision.total_us / 1e6)
        metrics.count_warnings(item.warnings)
    without = [dependency for _, decision in decided.new for dependency in decision.degraded]
    for dependency in without:
        metrics.DEGRADED.labels(dependency).inc()
    recent_decisions.add(len(decided.new), without)
    # Features and model are computed for many transactions at once, which share the same times.
    timings = {(decision.features_us, decision.model_us) for _, decision in decided.new}
    for features_us, model_us in timings:
        _FEATURES.observe(features_us / 1e6)
        _MODEL.observe(model_us / 1e6)
    for kind in decided.redelivered:
        metrics.REDELIVERED.labels(kind.value).inc()
    for code in dead_letters:
        metrics.DEAD_LETTERS.labels(code).inc()


@cache
def _scored_counter(decision: Decision, model: str) -> Any:
    return metrics.SCORED.labels(decision.value, name_and_version(model))
