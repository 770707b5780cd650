"""Scores of a challenger model: the decisions that it would have made, stored beside those of the
champion. No decision may ever depend on them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg
import numpy as np

from fraud_app.contracts.scored import read_scored
from fraud_app.postgres.transactions import Row
from ml.serving.ranking import PrecisionRecall, precision_recall
from ml.serving.registry import name_and_version
from ml.serving.scorer import Scorer, matrix_of

MAX_LABELLED = 200_000
"""Bounds the memory and the time of one comparison."""
CURVE_POINTS = 100
"""A chart shows no more than these."""

_INSERT = """
INSERT INTO shadow_scores (user_id, transaction_id, model, probability, decision, scored_at)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::double precision[], $5::text[], $6::timestamptz[])
ON CONFLICT DO NOTHING
"""
_COUNTED = """
SELECT count(*), count(*) FILTER (WHERE theirs = ours), count(*) FILTER (WHERE theirs > ours),
       count(*) FILTER (WHERE theirs < ours), avg(shift)
FROM (SELECT array_position(ARRAY['approve', 'review', 'block'], s.decision) AS theirs,
             array_position(ARRAY['approve', 'review', 'block'], t.decision) AS ours,
             s.probability - t.probability AS shift
      FROM shadow_scores s JOIN transactions t USING (user_id, transaction_id)
      WHERE s.model = $1 AND s.scored_at > now() - make_interval(secs => $2)
          AND t.model IS NOT NULL) AS pairs
"""
_LABELLED = """
SELECT bool_or(l.is_fraud), t.probability, s.probability
FROM shadow_scores s JOIN transactions t USING (user_id, transaction_id)
    JOIN labels l USING (user_id, transaction_id)
WHERE s.model = $1 AND s.scored_at > now() - make_interval(secs => $2)
    AND t.probability IS NOT NULL
GROUP BY t.user_id, t.transaction_id, t.probability, s.probability LIMIT $3
"""


class ShadowScore(NamedTuple):
    """A challenger's score of one transaction."""

    user_id: str
    transaction_id: str
    model: str
    """`name:version`."""
    probability: float
    decision: str
    scored_at: datetime


class Curve(NamedTuple):
    """Precision against recall on the labelled transactions, thinned for a chart."""

    average_precision: float
    recall: list[float]
    precision: list[float]


class Agreement(NamedTuple):
    """A challenger compared with the decisions that were made, on the same transactions."""

    transactions: int
    same: float
    """Share of equal decisions."""
    stricter: int
    laxer: int
    shift: float
    """Mean of the challenger's probability minus the champion's."""
    labelled: int
    champion: Curve | None
    """None while none of these transactions is labelled as fraud."""
    challenger: Curve | None


def score_rows(rows: Sequence[Row], scorer: Scorer) -> list[ShadowScore]:
    """The challenger's scores, computed from the features that were stored with each decision. So
    its input is the very input of the champion. Rows without features are left out.
    """
    scorable = [
        (row, features) for row in rows if (features := read_scored(row.scored)["features"])
    ]
    if not scorable:
        return []
    matrix = matrix_of(
        [[math.nan if value is None else value for value in features] for _, features in scorable]
    )
    model = name_and_version(scorer.reference)
    return [
        ShadowScore(
            *row.key,
            model,
            probability,
            scorer.cutoffs.decide(probability).value,
            row.scored_at,
        )
        for (row, _), probability in zip(scorable, scorer.probabilities(matrix), strict=True)
    ]


async def store(connection: asyncpg.Connection, scores: Sequence[ShadowScore]) -> None:
    """Store scores. Scores that are stored already stay as they are."""
    if scores:
        await connection.execute(_INSERT, *map(list, zip(*scores, strict=True)))


async def compare(
    connection: asyncpg.Pool | asyncpg.Connection, model: str, hours: float
) -> Agreement:
    """Compare a challenger (`name:version`) with the decisions of the last `hours`. The curves are
    computed in a thread, so that the event loop is not blocked.
    """
    [(count, same, stricter, laxer, shift)] = await connection.fetch(_COUNTED, model, hours * 3600)
    labelled = await connection.fetch(_LABELLED, model, hours * 3600, MAX_LABELLED)
    champion, challenger = await asyncio.to_thread(_curves, [tuple(row) for row in labelled])
    return Agreement(
        count,
        same / count if count else math.nan,
        stricter,
        laxer,
        shift or 0.0,
        len(labelled),
        champion,
        challenger,
    )


def _curves(labelled: Sequence[tuple[bool, float, float]]) -> tuple[Curve | None, Curve | None]:
    """Curves of champion and challenger, from rows (is fraud, champion's, challenger's score)."""
    if not any(fraud for fraud, _, _ in labelled):
        return None, None
    fraud, *scores = (np.array(column) for column in zip(*labelled, strict=True))
    champion, challenger = (_thinned(precision_recall(fraud, score)) for score in scores)
    return champion, challenger


def _thinned(curve: PrecisionRecall) -> Curve:
    step = max(1, len(curve.recall) // CURVE_POINTS)
    return Curve(
        curve.average_precision, curve.recall[::step].tolist(), curve.precision[::step].tolist()
    )
