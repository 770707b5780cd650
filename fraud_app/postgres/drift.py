"""Drift of live traffic against the training data: measured from the latest stored transactions,
and stored as a time series. It only reports; it must never change a decision.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import numpy as np
import orjson

from ml.features import NAMES
from ml.serving.drift import SCORE, Drift, drift_of
from ml.serving.registry import ModelFiles

MAX_TRANSACTIONS = 5_000
"""Enough for stable bins, and few enough to be read every minute."""
MIN_TRANSACTIONS = 500
"""With fewer, the index shows chance rather than a change of the traffic."""
KEPT_DAYS = 90

_LATEST = """
SELECT scored ->> 'features', probability FROM transactions
WHERE model = $1 AND probability IS NOT NULL AND scored_at > now() - interval '1 day'
ORDER BY scored_at DESC LIMIT $2
"""
_INSERT = """
INSERT INTO drift (model, measured_at, feature, psi, missing, reference_missing, transactions)
SELECT $1, now(), f, p, m, r, $6 FROM unnest(
    $2::text[], $3::double precision[], $4::double precision[], $5::double precision[])
    AS measured(f, p, m, r)
ON CONFLICT DO NOTHING
"""
_DELETE_OLD = "DELETE FROM drift WHERE measured_at < now() - make_interval(days => $1)"
_LATEST_MEASUREMENT = """
SELECT measured_at, transactions, feature, psi, missing, reference_missing FROM drift
WHERE model = $1 AND measured_at = (SELECT max(measured_at) FROM drift WHERE model = $1)
ORDER BY psi DESC, feature
"""


class DriftMeasurement(NamedTuple):
    """The latest measurement of a model."""

    at: datetime
    transactions: int
    features: list[Drift]


async def latest_traffic(
    connection: asyncpg.Connection, model: str
) -> list[tuple[str | None, float]]:
    """Features (a JSON array) and probability of the latest decisions of a model (`name:version`):
    at most 5,000, from the last 24 hours.
    """
    return [
        (record[0], record[1])
        for record in await connection.fetch(_LATEST, model, MAX_TRANSACTIONS)
    ]


def measure(files: ModelFiles, traffic: list[tuple[str | None, float]]) -> list[Drift]:
    """Drift of this traffic against the model's bins, one item for each feature and one for the
    score. Empty when there is too little traffic or when the model has no bins.
    """
    decisions = [
        (orjson.loads(features), probability) for features, probability in traffic if features
    ]
    if len(decisions) < MIN_TRANSACTIONS or not files.drift:
        return []
    matrix = np.array([features for features, _ in decisions], dtype=float)
    columns: dict[str, Any] = {name: matrix[:, column] for column, name in enumerate(NAMES)}
    columns[SCORE] = np.array([probability for _, probability in decisions])
    return drift_of(files.drift, columns)


async def store(
    connection: asyncpg.Connection, model: str, measured: list[Drift], transactions: int
) -> None:
    """Store one measurement, and delete those that are older than 90 days."""
    columns = [list(column) for column in zip(*measured, strict=True)]
    await connection.execute(_INSERT, model, *columns, transactions)
    await connection.execute(_DELETE_OLD, KEPT_DAYS)


async def latest_measurement(connection: asyncpg.Pool, model: str) -> DriftMeasurement | None:
    """The latest measurement of a model, the largest index first; None when there is none."""
    records = await connection.fetch(_LATEST_MEASUREMENT, model)
    if not records:
        return None
    return DriftMeasurement(
        records[0][0], records[0][1], [Drift(*tuple(record)[2:]) for record in records]
    )
