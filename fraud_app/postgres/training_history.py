"""What the running system decided and what became known of it later: the history to train on, with
the features as they were served.
"""

from __future__ import annotations

import math

import asyncpg
import numpy as np
import orjson

from fraud_app.contracts import currency
from ml.features import NAMES
from ml.training.train import TrainingHistory, reported_before

_ALL = """
SELECT t.scored ->> 'features' AS features, t.amount, t.currency, t.received_at, coalesce(t.country, '') AS country,
       coalesce(l.is_fraud, false) AS is_fraud, l.reported_at, coalesce(l.scenario, '') AS scenario
FROM transactions t LEFT JOIN (
    SELECT transaction_id, bool_or(is_fraud) AS is_fraud, min(labelled_at) FILTER (WHERE is_fraud) AS reported_at, max(scenario) AS scenario
    FROM labels GROUP BY transaction_id
) l USING (transaction_id)
WHERE t.scored ->> 'features' IS NOT NULL
ORDER BY t.received_at, t.transaction_id
"""


async def load(connection: asyncpg.Connection) -> TrainingHistory:
    """All decided transactions in the order of arrival. Unlabelled ones count as honest; the newest
    fifth before the test part is left out by the split, since its chargebacks may still come.
    Raises `ValueError` when features of another catalogue are among them.
    """
    rows, fraud, amount, at_ms, reported, scenario, country = [], [], [], [], [], [], []
    async with connection.transaction():
        async for one in connection.cursor(_ALL):
            features = orjson.loads(one["features"])
            if len(features) != len(NAMES):
                raise ValueError(
                    f"a stored transaction has {len(features)} features, the catalogue {len(NAMES)}"
                )
            rows.append(
                np.array(
                    [math.nan if value is None else value for value in features], dtype=np.float32
                )
            )
            fraud.append(one["is_fraud"])
            amount.append(currency.euro_cents(one["amount"], one["currency"]) / 100)
            at_ms.append(round(one["received_at"].timestamp() * 1000))
            reported.append(
                one["reported_at"].timestamp() * 1000 if one["reported_at"] else math.inf
            )
            scenario.append(one["scenario"])
            country.append(one["country"])
    if not rows:
        raise ValueError("nothing is stored yet")
    truth, moments = np.array(fraud), np.array(at_ms)
    return TrainingHistory(
        np.stack(rows),
        truth,
        np.array(amount),
        moments,
        reported_before(truth, np.array(reported), moments),
        np.array(scenario),
        np.array(country),
    )
