"""A feature's contribution in words, with its value and, where there is one, the user's usual."""

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
LEAST_CONTRIBUTION = 0.05
"""Log-odds; less than this moves no decision and only adds noise to a list of reasons."""

FIRST_PAYMENT = "first_payment"
"""Stands for all that cannot be compared for a customer without a past."""
_FIRST_PAYMENT_TEXT = "first payment of this customer: nothing to compare with"
_OF_THE_PAST = ("velocity", "amount", "geo", "device", "merchant", "time")

_PLACE = {name: place for place, name in enumerate(NAMES)}
_CATEGORIES = tuple(Category)
# The usual of a window is the 7-day figure over the number of such windows in 7 days.
_USUAL_OF_WEEK = {
    "tx_count_1m": ("tx_count_7d", 10_080),
    "tx_count_10m": ("tx_count_7d", 1_008),
    "tx_count_1h": ("tx_count_7d", 168),
    "tx_count_24h": ("tx_count_7d", 7),
    "amount_sum_1h": ("amount_sum_7d", 168),
    "amount_sum_24h": ("amount_sum_7d", 7),
}


def strongest(contributions: Sequence[float]) -> tuple[Contribution, ...]:
    """The features that raised the risk most, at most five, strongest first. `contributions`: one a
    feature, log-odds.
    """
    strongest = sorted(range(len(contributions)), key=lambda place: -contributions[place])[:TOP]
    return tuple(
        Contribution(place, contributions[place])
        for place in strongest
        if contributions[place] >= LEAST_CONTRIBUTION
    )


def explain(reasons: Sequence[Contribution], features: Sequence[float]) -> list[Reason]:
    """The reasons in words. `features`: the model's input, one number a feature, NaN for missing."""
    told = []
    newcomer = 0.0
    for place, contribution in reasons:
        value = features[place]
        if (
            math.isnan(value)
            and not features[_PLACE["user_tx_count"]]
            and CATALOGUE[place].group in _OF_THE_PAST
        ):
            newcomer += contribution
            continue
        told.append(in_words(Contribution(place, contribution), features))
    if newcomer:
        told.append(
            Reason(
                code=FIRST_PAYMENT,
                text=_FIRST_PAYMENT_TEXT,
                value=None,
                contribution=round(newcomer, 3),
            )
        )
    return sorted(told, key=lambda reason: -reason.contribution)


def in_words(contribution: Contribution, features: Sequence[float]) -> Reason:
    """One feature's contribution in words."""
    place, value = contribution.feature, features[contribution.feature]
    return Reason(
        code=NAMES[place],
        text=_sentence(CATALOGUE[place], value, _usual(NAMES[place], features)),
        value=None if math.isnan(value) else _rounded(value),
        contribution=round(contribution.log_odds, 3),
    )


def _sentence(feature: Feature, value: float, usual: str) -> str:
    if math.isnan(value):
        return f"not known: {'whether ' if feature.unit == 'flag' else ''}{in_short(feature)}"
    if feature.unit == "flag":
        return feature.phrase if value else f"not: {feature.phrase}"
    text = feature.phrase.format(value=_in_words(feature, value))
    return f"{text} (usual {usual})" if usual else text


def in_short(feature: Feature) -> str:
    """What the feature is, without its fine print."""
    if feature.unit == "flag":
        return feature.phrase
    return re.split(r"[;,(]", feature.meaning)[0].strip() or feature.name.replace("_", " ")


def _usual(name: str, features: Sequence[float]) -> str:
    if name in _USUAL_OF_WEEK:
        of, windows = _USUAL_OF_WEEK[name]
        return _number(features[_PLACE[of]] / windows)
    if name == "amount":
        ratio = features[_PLACE["amount_to_median"]]
        return (
            "" if math.isnan(ratio) or ratio <= 0 else f"€{features[_PLACE['amount']] / ratio:,.2f}"
        )
    return ""


def _in_words(feature: Feature, value: float) -> str:
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
    """float32 values show 0.1 as 0.10000000149; seven significant digits are all that they hold."""
    return float(f"{value:.7g}")
