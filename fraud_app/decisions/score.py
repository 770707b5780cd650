"""Features, probability, decision and reasons of transactions whose users' rows are given. Pure.

It must not count a transaction: the rows stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from fraud_app.contracts.scored import Decision
from fraud_app.decisions import policy, reasons
from fraud_app.decisions.parse import ScoringInput
from ml.decision_record import NO_PROBABILITY, Contribution, DecisionRecord
from ml.features import ROW_BYTES, Matrix, compute
from ml.profile.event import Signals
from ml.serving.cutoffs import Cutoffs
from ml.serving.scorer import Scorer
from tables.user_row import UserRow

NO_SIGNALS = Signals()
"""Stands for the cross-user signals while Redis does not answer: every value is missing."""
MAX_US = 0xFFFFFFFF
"""Longest time that a decision record can hold: 32 bits of microseconds, 71 minutes."""

Decided = tuple[ScoringInput, DecisionRecord]
WithSignals = tuple[ScoringInput, Signals]


def score(
    inputs: Sequence[WithSignals],
    rows: Mapping[str, UserRow],
    scorer: Scorer | None,
    degraded: Sequence[str] = (),
) -> list[Decided]:
    """Score transactions of different users, each against the row of its user.

    `rows`: by user id. `scorer`: None sends everything to review. `degraded`: the dependencies that
    were missing.
    """
    if not inputs:
        return []
    started_ns = time.perf_counter_ns()
    matrix = compute(
        [(rows[item.transaction.user_id].profile, item.event, signals) for item, signals in inputs]
    )
    features_done_ns = time.perf_counter_ns()
    if scorer is None:
        decisions, ppms = [policy.WITHOUT_MODEL] * len(inputs), [NO_PROBABILITY] * len(inputs)
        explained: dict[int, tuple[Contribution, ...]] = {}
    else:
        ppms = [round(probability * 1e6) for probability in scorer.probabilities(matrix)]
        decisions = [policy.decide(ppm / 1e6, scorer.cutoffs) for ppm in ppms]
        explained = _reasons_of_flagged(decisions, matrix, scorer)
    model_done_ns = time.perf_counter_ns()
    cutoffs = scorer.cutoffs if scorer else Cutoffs(0.0, 0.0)
    features_us = (features_done_ns - started_ns) // 1000
    model_us = (model_done_ns - features_done_ns) // 1000
    now_us, spent_us = time.time_ns() // 1000, (model_done_ns - started_ns) // 1000
    missing = (*degraded, *(() if scorer else ("model",)))
    features = matrix.tobytes()
    return [
        (
            item,
            DecisionRecord(
                decision=decisions[row],
                probability_ppm=ppms[row],
                degraded=missing,
                received_ms=item.record.timestamp_ms,
                scored_ms=now_us // 1000,
                total_us=min(max(now_us - item.record.timestamp_ms * 1000, spent_us), MAX_US),
                features_us=features_us,
                model_us=model_us,
                review=cutoffs.review,
                block=cutoffs.block,
                model=scorer.reference if scorer else "",
                reasons=explained.get(row, ()),
                features=features[ROW_BYTES * row : ROW_BYTES * (row + 1)],
            ),
        )
        for row, (item, _) in enumerate(inputs)
    ]


def _reasons_of_flagged(
    decisions: Sequence[Decision], matrix: Matrix, scorer: Scorer
) -> dict[int, tuple[Contribution, ...]]:
    """The reasons of the transactions that are not approved, by their row of the matrix."""
    flagged = [row for row, decision in enumerate(decisions) if decision is not Decision.APPROVE]
    if not flagged:
        return {}
    contributions = scorer.contributions(matrix[flagged])
    return {
        row: reasons.strongest(log_odds)
        for row, log_odds in zip(flagged, contributions, strict=True)
    }
