"""The contribution of a feature in words, with its value and, where there is one, the usual value.

Pure: the same contribution always gives the same text, since the texts are part of the scored
message, which must not change when it is sent again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from fraud_app.contracts.scored import Reason
from fraud_app.contracts.transaction import Category
from ml.decision_record import Contribution
from ml.features import CATALOGUE, NAMES
from ml.features.device import SECONDS_PER_DAY
from ml.features.feature import Feature

TOP = 5
"""Most reasons of a decision: few enough to read at once, and to keep in the user's row."""
LEAST_CONTRIBUTION = 0.05
"""In log-odds. A smaller contribution moves no decision and would only add noise to the reasons."""

FIRST_PAYMENT = "first_payment"
"""Code of the one reason for everything that cannot be compared when a user has no history."""
_FIRST_PAYMENT_TEXT = "first payment of this customer: nothing to compare with"
_GROUPS_WITH_HISTORY = ("velocity", "amount", "geo", "device", "merchant", "time")
"""Groups of features that compare with the history of the user."""
_WITHOUT_HISTORY = frozenset({"amount"})
"""Features of these groups that compare with nothing: one that is missing has another cause."""

_INDEX = {name: index for index, name in enumerate(NAMES)}
_CATEGORIES = tuple(Category)
# The usual value of a window: the 7-day figure over the number of such windows in 7 days.
_WEEKLY_FEATURE_AND_WINDOWS = {
    "tx_count_1m": ("tx_count_7d", 10_080),
    "tx_count_10m": ("tx_count_7d", 1_008),
    "tx_count_1h": ("tx_count_7d", 168),
    "tx_count_24h": ("tx_count_7d", 7),
    "amount_sum_1h": ("amount_sum_7d", 168),
    "amount_sum_24h": ("amount_sum_7d", 7),
}


def strongest(contributions: Sequence[float]) -> tuple[Contribution, ...]:
    """The features that raised the risk most: at most five, strongest first.

    `contributions`: one for each feature, in log-odds.
    """
    order = sorted(range(len(contributions)), key=lambda index: -contributions[index])[:TOP]
    return tuple(
        Contribution(index, contributions[index])
        for index in order
        if contributions[index] >= LEAST_CONTRIBUTION
    )


def explain(reasons: Sequence[Contribution], features: Sequence[float]) -> list[Reason]:
    """The reasons in words, strongest first.

    `features`: the model's input, one number for each feature, NaN for missing. What a user without
    a history lacks is put together into one reason.
    """
    explained = []
    newcomer = 0.0
    for index, contribution in reasons:
        if (
            math.isnan(features[index])
            and not features[_INDEX["user_tx_count"]]
            and CATALOGUE[index].group in _GROUPS_WITH_HISTORY
            and NAMES[index] not in _WITHOUT_HISTORY
        ):
            newcomer += contribution
            continue
        explained.append(in_words(Contribution(index, contribution), features))
    if newcomer:
        explained.append(
            Reason(
                code=FIRST_PAYMENT,
                text=_FIRST_PAYMENT_TEXT,
                value=None,
                contribution=round(newcomer, 3),
            )
        )
    return sorted(explained, key=lambda reason: -reason.contribution)


def in_words(contribution: Contribution, features: Sequence[float]) -> Reason:
    """The reason for the contribution of one feature. `features`: as for `explain`."""
    index, value = contribution.feature, features[contribution.feature]
    return Reason(
        code=NAMES[index],
        text=_sentence(CATALOGUE[index], value, _usual(NAMES[index], features)),
        value=None if math.isnan(value) else _rounded(value),
        contribution=round(contribution.log_odds, 3),
    )


def _sentence(feature: Feature, value: float, usual: str) -> str:
    if math.isnan(value):
        return f"not known: {'whether ' if feature.unit == 'flag' else ''}{short_meaning(feature)}"
    if feature.unit == "flag":
        return feature.phrase if value else f"not: {feature.phrase}"
    text = feature.phrase.format(value=_with_unit(feature, value))
    return f"{text} (usual {usual})" if usual else text


def short_meaning(feature: Feature) -> str:
    """What the feature means, without the details after the first comma or bracket."""
    if feature.unit == "flag":
        return feature.phrase
    return re.split(r"[;,(]", feature.meaning)[0].strip() or feature.name.replace("_", " ")


def _usual(name: str, features: Sequence[float]) -> str:
    """The usual value of this feature for the user, written for people; empty when unknown."""
    if name in _WEEKLY_FEATURE_AND_WINDOWS:
        weekly_feature, windows = _WEEKLY_FEATURE_AND_WINDOWS[name]
        return _number(features[_INDEX[weekly_feature]] / windows)
    if name == "amount":
        ratio = features[_INDEX["amount_to_median"]]
        if math.isnan(ratio) or ratio <= 0:
            return ""
        return f"€{features[_INDEX['amount']] / ratio:,.2f}"
    return ""


def _with_unit(feature: Feature, value: float) -> str:
    match feature.unit:
        case "EUR":
            return f"€{value:,.2f}"
        case "ratio":
            return f"{_number(value)} ×"
        case "km" | "km/h":
            return f"{value:,.0f} {feature.unit}"
        case "share":
            return f"{value:.0%}"
        case "hour":
            return f"{int(value):02d}:00"
        case "code":
            return _CATEGORIES[int(value)].value.replace("_", " ")
        case "s":
            return _duration(value)
        case "days":
            return _duration(value * SECONDS_PER_DAY)
        case "deviations":
            return f"{value:+.1f} deviations"
        case unit:
            if not value:
                return f"no {unit.removesuffix('s')}"
            number = _number(value)
            return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def _duration(seconds: float) -> str:
    for size, name in ((SECONDS_PER_DAY, "days"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            number = _number(seconds / size)
            return f"{number} {'day' if number == '1' and name == 'days' else name}"
    return f"{_number(seconds)} s"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _rounded(value: float) -> float:
    """Seven significant digits: all that a float32 holds, which shows 0.1 as 0.10000000149."""
    return float(f"{value:.7g}")
