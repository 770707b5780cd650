"""The stored decisions and their labels, as the history to train on. The features are those that
were served, and must never be computed anew here: so training and serving cannot differ.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import asyncpg
import numpy as np
import orjson

from fraud_app.contracts import currency
from ml.features import NAMES
from ml.training.train import TrainingHistory, reported_before, split_by_time

_DECIDED = """
SELECT t.scored ->> 'features' AS features, t.user_id, t.amount, t.currency, t.received_at,
       coalesce(t.country, '') AS country, coalesce(l.is_fraud, false) AS is_fraud,
       t.decision = 'block' AND l.is_fraud IS NULL AS is_assumed,
       l.reported_at, coalesce(l.scenario, '') AS scenario
FROM transactions t LEFT JOIN (
    SELECT user_id, transaction_id, bool_or(is_fraud) AS is_fraud,
        min(labelled_at) FILTER (WHERE is_fraud) AS reported_at, max(scenario) AS scenario
    FROM labels GROUP BY user_id, transaction_id
) l USING (user_id, transaction_id)
WHERE t.scored ->> 'features' IS NOT NULL
ORDER BY t.received_at, t.transaction_id, t.user_id
"""


class StoredHistory(NamedTuple):
    """What is stored, to train on."""

    history: TrainingHistory
    assumed: int
    """Blocked transactions without a label, which are assumed to be fraud."""


async def load(connection: asyncpg.Connection) -> StoredHistory:
    """All decided transactions in the order of arrival, those without a label as legitimate, but
    for blocked ones.

    Of what was blocked no chargeback ever comes. Taken for legitimate, or left out, it takes with
    it what the model was right about (docs/measurements/2026-11-28-own-decisions.md). So it counts
    as fraud in training unless a label clears it, and is left out of the test part, where it would
    flatter a model that blocks alike.

    The split leaves out 12 % of the time before the test part, because its chargebacks may still
    come. Raises `ValueError` when nothing is stored, or when a transaction has the features of
    another catalogue.
    """
    rows, fraud, amount, at_ms, reported, scenario, country = [], [], [], [], [], [], []
    customer, is_assumed = [], []
    async with connection.transaction():
        async for record in connection.cursor(_DECIDED):
            features = orjson.loads(record["features"])
            if len(features) != len(NAMES):
                raise ValueError(
                    f"a stored transaction has {len(features)} features, the catalogue {len(NAMES)}"
                )
            rows.append(
                np.array(
                    [math.nan if value is None else value for value in features], dtype=np.float32
                )
            )
            fraud.append(record["is_fraud"] or record["is_assumed"])
            is_assumed.append(record["is_assumed"])
            cents = currency.euro_cents(record["amount"], record["currency"])
            amount.append(math.nan if cents is None else cents / 100)
            known_at = record["received_at"] if record["is_assumed"] else record["reported_at"]
            at_ms.append(round(record["received_at"].timestamp() * 1000))
            reported.append(known_at.timestamp() * 1000 if known_at else math.inf)
            scenario.append(record["scenario"])
            country.append(record["country"])
            customer.append(record["user_id"])
    if not rows:
        raise ValueError("nothing is stored yet")
    truth, times_ms = np.array(fraud), np.array(at_ms)
    history = TrainingHistory(
        np.stack(rows),
        truth,
        np.array(amount),
        times_ms,
        reported_before(truth, np.array(reported), times_ms),
        np.array(scenario),
        np.array(country),
        np.array(customer),
    )
    in_test = np.arange(len(truth)) >= split_by_time(times_ms).test.start
    kept = ~(np.array(is_assumed) & in_test)
    return StoredHistory(history.part(kept), sum(is_assumed))
