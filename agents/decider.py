"""A batch of payments to decisions and changed rows. What is new is scored and counted; what is not gives its decision again.

Pure but for the rows that it reads. Nothing is sent from here, so a batch can be thrown away and done again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.arrival import Payment
from fraud_app.contracts.scored import Decision
from fraud_app.decisions import policy, reasons
from ml.decision_record import NO_PROBABILITY, DecisionRecord
from ml.features import SIZE, compute
from ml.profile.event import Signals
from ml.serving.cutoffs import Cutoffs
from ml.serving.scorer import Scorer
from tables.apply import Meeting, apply, meet
from tables.user_row import UserRow

MISSING = Signals()


class Rows(Protocol):
    """Where rows are kept; `tables.user_table.UserTable` is one."""

    def read(self, partition: int, user_id: str) -> UserRow: ...


@dataclass(slots=True)
class Decided:
    """What a batch leads to."""

    emitted: list[tuple[Payment, DecisionRecord]] = field(default_factory=list)
    """Decisions to send, in order: new ones and those that are given again."""
    new: list[tuple[Payment, DecisionRecord]] = field(default_factory=list)
    conflicts: list[Payment] = field(default_factory=list)
    redelivered: list[Meeting] = field(default_factory=list)
    rows: dict[int, dict[str, UserRow]] = field(default_factory=dict)
    """Changed rows by partition and user."""


def decide(
    payments: Sequence[Payment],
    rows: Rows,
    shared: Sequence[Signals] | None,
    scorer: Scorer | None,
    epoch: int,
    settled: Mapping[int, int],
) -> Decided:
    """Decide a batch.

    `shared`: the signals across users, one a payment; None when Redis did not give them. `settled`: by partition, the offset up to
    which decisions are acknowledged by the broker.
    """
    decided = Decided()
    known: dict[str, UserRow] = {}
    changed: dict[str, int] = {}
    waiting = list(zip(payments, shared or [MISSING] * len(payments), strict=True))
    while waiting:
        wave, waiting = _one_a_user(waiting)
        fresh = []
        for payment, signal in wave:
            user, record = payment.transaction.user_id, payment.record
            if user not in known:
                known[user] = rows.read(record.partition, user)
            met = meet(known[user], payment.event, epoch, record.offset)
            if met.kind is Meeting.NEW:
                fresh.append((payment, signal))
                continue
            decided.redelivered.append(met.kind)
            if met.kind is Meeting.CONFLICT:
                decided.conflicts.append(payment)
            elif met.outcome is not None:
                decided.emitted.append((payment, met.outcome))
            if met.kind is Meeting.REPLAYED:
                changed[user] = record.partition  # the changelog may lack what the local database has
        for payment, outcome in score(fresh, known, scorer, redis_up=shared is not None):
            user, record = payment.transaction.user_id, payment.record
            known[user] = apply(
                known[user], payment.event, outcome, epoch, record.offset, settled.get(record.partition, -1)
            )
            changed[user] = record.partition
            decided.emitted.append((payment, outcome))
            decided.new.append((payment, outcome))
    for user, partition in changed.items():
        decided.rows.setdefault(partition, {})[user] = known[user]
    return decided


def score(
    fresh: Sequence[tuple[Payment, Signals]],
    known: Mapping[str, UserRow],
    scorer: Scorer | None,
    *,
    redis_up: bool,
) -> list[tuple[Payment, DecisionRecord]]:
    """Score payments of different users, each against its user's row as it is."""
    if not fresh:
        return []
    started = time.perf_counter_ns()
    matrix = compute([(known[payment.transaction.user_id].profile, payment.event, signal) for payment, signal in fresh])
    featured = time.perf_counter_ns()
    degraded = (() if redis_up else ("redis",)) + (() if scorer else ("model",))
    cutoffs = scorer.cutoffs if scorer else Cutoffs(0.0, 0.0)
    ppms = [round(p * 1e6) for p in scorer.probabilities(matrix)] if scorer else [NO_PROBABILITY] * len(fresh)
    decisions = [policy.decide(None if ppm < 0 else ppm / 1e6, cutoffs if scorer else None) for ppm in ppms]
    explained = (
        [place for place, decision in enumerate(decisions) if decision is not Decision.APPROVE] if scorer else []
    )
    parts = dict(zip(explained, scorer.contributions(matrix[explained]), strict=True)) if scorer and explained else {}
    features = matrix.tobytes()
    modelled = time.perf_counter_ns()
    now_us = time.time_ns() // 1000
    spent_us = (modelled - started) // 1000
    return [
        (
            payment,
            DecisionRecord(
                decision=decisions[place],
                probability_ppm=ppms[place],
                degraded=degraded,
                received_ms=payment.record.timestamp_ms,
                scored_ms=now_us // 1000,
                total_us=min(max(now_us - payment.record.timestamp_ms * 1000, spent_us), 0xFFFFFFFF),
                features_us=(featured - started) // 1000,
                model_us=(modelled - featured) // 1000,
                review=cutoffs.review,
                block=cutoffs.block,
                model=scorer.reference if scorer else "",
                reasons=reasons.strongest(parts[place]) if place in parts else (),
                features=features[SIZE * place : SIZE * (place + 1)],
            ),
        )
        for place, (payment, _) in enumerate(fresh)
    ]


def _one_a_user(
    waiting: Sequence[tuple[Payment, Signals]],
) -> tuple[list[tuple[Payment, Signals]], list[tuple[Payment, Signals]]]:
    """The first payment of each user, and the rest in order: a user's next one needs the row that this one leaves."""
    users: set[str] = set()
    wave: list[tuple[Payment, Signals]] = []
    later: list[tuple[Payment, Signals]] = []
    for one in waiting:
        user = one[0].transaction.user_id
        (later if user in users else wave).append(one)
        users.add(user)
    return wave, later
