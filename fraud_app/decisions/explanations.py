"""Every feature's part in a decision, from the features that were stored with it."""

from __future__ import annotations

import math
from typing import Any

from fraud_app.decisions import reasons
from ml.decision_record import Contribution
from ml.features import CATALOGUE
from ml.serving.registry import parts_of
from ml.serving.scorer import Scorer, matrix_of


def explain_features(scored: dict[str, Any], scorer: Scorer | None) -> list[dict[str, Any]] | None:
    """All contributions, strongest first; None when the features were not kept or another model
    decided.
    """
    used = scored["model"]
    if (
        scorer is None
        or used is None
        or scored["features"] is None
        or (used["name"], used["version"]) != parts_of(scorer.reference)[:2]
    ):
        return None
    values = [math.nan if value is None else value for value in scored["features"]]
    parts = scorer.contributions(matrix_of([values]))[0]
    told = [
        {
            **reasons.in_words(Contribution(place, part), values).model_dump(),
            "group": CATALOGUE[place].group,
            "unit": CATALOGUE[place].unit,
            "meaning": CATALOGUE[place].meaning,
        }
        for place, part in enumerate(parts)
    ]
    return sorted(told, key=lambda one: -abs(one["contribution"]))
