"""The contribution of every feature to a decision, from the features that were stored with it."""

from __future__ import annotations

import math
from typing import Any

from fraud_app.decisions import reasons
from ml.decision_record import Contribution
from ml.features import CATALOGUE
from ml.serving.registry import parts_of
from ml.serving.scorer import Scorer, matrix_of


def explain_features(scored: dict[str, Any], scorer: Scorer | None) -> list[dict[str, Any]] | None:
    """All contributions in log-odds, strongest first.

    `scored`: the fields of a scored transaction. None when its features were not kept, or when
    another model than this one decided.
    """
    model = scored["model"]
    if (
        scorer is None
        or model is None
        or scored["features"] is None
        or (model["name"], model["version"]) != parts_of(scorer.reference)[:2]
    ):
        return None
    values = [math.nan if value is None else value for value in scored["features"]]
    contributions = scorer.contributions(matrix_of([values]))[0]
    explained = [
        {
            **reasons.in_words(Contribution(index, log_odds), values).model_dump(),
            "group": CATALOGUE[index].group,
            "unit": CATALOGUE[index].unit,
            "meaning": CATALOGUE[index].meaning,
        }
        for index, log_odds in enumerate(contributions)
    ]
    return sorted(explained, key=lambda feature: -abs(feature["contribution"]))
