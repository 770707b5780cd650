"""A report of one model that opens by itself, offline: curves with intervals, costs, segments,
scenarios, drift, features.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.features import CATALOGUE, NAMES
from ml.serving.drift import bins_of, drift_of
from ml.training import evaluation, report_charts
from ml.training.evaluation import Costs
from ml.training.train import Array, TrainedModel, TrainingHistory, split_by_time

PLOTLY = Path(__file__).resolve().parents[2] / "web" / "static" / "vendor" / "plotly-basic.min.js"
RESAMPLES = 200
WEEK_MS = 7 * 86_400_000
CAPACITIES = (0.0, 0.005, 0.01, 0.015, 0.03, 0.05)
PER_DAY = 100
LEAST_IN_SEGMENT = 200
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}th,td{padding:.2rem .7rem;border-bottom:1px solid #ddd;"
    "text-align:right}th:first-child,td:first-child,td.text{text-align:left}figure{margin:1.5rem 0}figcaption{color:#555}"
)


class Interval(NamedTuple):
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95 %: {self.low:.3f} to {self.high:.3f})"


class ReportInput(NamedTuple):
    """All that a report is made of."""

    title: str
    source: str
    history: TrainingHistory
    trained: TrainedModel
    costs: Costs
    comparisons: Mapping[str, Mapping[str, float]]
    calibrations: Mapping[str, float]
    single_features: Mapping[str, float]
    importance: Sequence[float]
    """Mean absolute contribution of each feature on the test part, log-odds."""


def write(told: ReportInput) -> str:
    """The page."""
    part = split_by_time(told.history.at_ms).test
    probability, fraud, amount = (
        told.trained.probability[part],
        told.history.fraud[part],
        told.history.amount[part],
    )
    ap, auc = bootstrap(fraud, probability)
    return "\n".join(
        (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(told.title)}</title><style>{_STYLE}</style>',
            f"<script>{PLOTLY.read_text()}</script>",
            f"<h1>{html.escape(told.title)}</h1><p>{html.escape(told.source)}</p>",
            f"<p>Test part: {len(fraud):,} transactions, {int(fraud.sum()):,} fraud ({fraud.mean():.2%}). Average precision {ap}, "
            f"ROC-AUC {auc}. Cutoffs: review from {told.trained.cutoffs.review}, block from {told.trained.cutoffs.block}.</p>",
            "<h2>Ranking</h2>",
            *report_charts.curves(fraud, probability, str(ap), str(auc)),
            _by_day(told, part),
            "<h2>Calibration</h2>",
            report_charts.reliability(fraud, probability),
            _table(
                ("expected calibration error", "value"),
                [(name, f"{value:.4f}") for name, value in told.calibrations.items()],
            ),
            "<h2>Cost</h2>",
            report_charts.cost_curve(probability, fraud, amount, told.trained.cutoffs, told.costs),
            _capacities(told),
            "<h2>Recipes compared</h2>",
            _compared(told.comparisons),
            "<h2>Segments</h2>",
            _segments(told, part),
            "<h2>Ways of fraud</h2>",
            _scenarios(told, part),
            "<h2>What the model looks at</h2>",
            _importance(told),
            "<h2>Drift over the weeks</h2>",
            _weeks(told),
            "<h2>Features</h2>",
            _table(
                ("feature", "unit", "what it is", "alone: ROC-AUC"),
                [
                    (one.name, one.unit, one.meaning, f"{told.single_features[one.name]:.3f}")
                    for one in CATALOGUE
                ],
            ),
        )
    )


def bootstrap(
    fraud: Array, probability: Array, resamples: int = RESAMPLES
) -> tuple[Interval, Interval]:
    """Average precision and ROC-AUC with percentile intervals (Efron and Tibshirani, 1993)."""
    rng = np.random.Generator(np.random.PCG64(0))
    found = []
    for _ in range(resamples):
        chosen = rng.integers(0, len(fraud), len(fraud))
        if fraud[chosen].any():
            found.append(
                (
                    average_precision_score(fraud[chosen], probability[chosen]),
                    roc_auc_score(fraud[chosen], probability[chosen]),
                )
            )
    low, high = np.percentile(found, [2.5, 97.5], axis=0)
    return (
        Interval(float(average_precision_score(fraud, probability)), float(low[0]), float(high[0])),
        Interval(float(roc_auc_score(fraud, probability)), float(low[1]), float(high[1])),
    )


def _by_day(told: ReportInput, part: slice) -> str:
    day = told.history.at_ms[part] // 86_400_000
    probability, fraud = told.trained.probability[part], told.history.fraud[part]
    days, values = np.unique(day), []
    for one in days:
        today = np.flatnonzero(day == one)
        values.append(
            float(fraud[today[np.argsort(-probability[today], kind="stable")[:PER_DAY]]].mean())
        )
    labels = [str(np.datetime64(int(one), "D")) for one in days]
    return report_charts.plot(
        [go.Bar(x=labels, y=values, marker={"color": report_charts.BLUE})],
        "day",
        "share of fraud",
        f"Precision among the {PER_DAY} riskiest of each day",
    )


def _capacities(told: ReportInput) -> str:
    split = split_by_time(told.history.at_ms)
    probability, known, amount = told.trained.probability, told.history.known, told.history.amount
    rows = []
    for capacity in CAPACITIES:
        costs = told.costs._replace(review_capacity=capacity)
        cutoffs = evaluation.choose_cutoffs(
            probability[split.cutoffs], known[split.cutoffs], amount[split.cutoffs], costs
        )
        found = evaluation.quality(
            probability[split.test],
            told.history.fraud[split.test],
            amount[split.test],
            cutoffs,
            costs,
        )
        rows.append(
            (
                f"{capacity:.1%}",
                f"{cutoffs.review:.4f}",
                f"{cutoffs.block:.4f}",
                f"{found['recall_flagged']:.1%}",
                f"{found['recall_blocked']:.1%}",
                f"{found['insult_rate']:.3%}",
                f"{found['cost_eur']:,.0f}",
            )
        )
    return _table(
        (
            "analysts can look at",
            "review from",
            "block from",
            "fraud flagged",
            "blocked",
            "insult rate",
            "cost, euro",
        ),
        rows,
    )


def _compared(comparisons: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        (
            name.replace("_", " "),
            f"{one['pr_auc']:.3f}",
            f"{one['roc_auc']:.3f}",
            f"{one['recall_flagged']:.1%}",
            f"{one['insult_rate']:.3%}",
            f"{one['expected_calibration_error']:.4f}",
            f"{one['cost_eur']:,.0f}",
        )
        for name, one in comparisons.items()
    ]
    return _table(
        (
            "recipe",
            "average precision",
            "ROC-AUC",
            "fraud flagged",
            "insult rate",
            "calibration error",
            "cost, euro",
        ),
        rows,
    )


def _segments(told: ReportInput, part: slice) -> str:
    history = told.history
    seen, amount, country = (
        history.features[part, NAMES.index("user_tx_count")],
        history.amount[part],
        history.country[part],
    )
    groups: dict[str, Array] = {
        "first payment": seen == 0,
        "2nd to 5th": (seen > 0) & (seen < 5),
        "6th and later": seen >= 5,
        "below 20 euro": amount < 20,
        "20 to 100": (amount >= 20) & (amount < 100),
        "100 to 500": (amount >= 100) & (amount < 500),
        "from 500": amount >= 500,
        **{f"country {name or 'unknown'}": country == name for name in np.unique(country)},
    }
    rows = []
    for name, chosen in groups.items():
        fraud, probability = history.fraud[part][chosen], told.trained.probability[part][chosen]
        if len(fraud) < LEAST_IN_SEGMENT or not fraud.any():
            continue
        flagged = probability >= told.trained.cutoffs.review
        rows.append(
            (
                name,
                f"{len(fraud):,}",
                f"{fraud.mean():.2%}",
                f"{probability.mean():.2%}",
                f"{average_precision_score(fraud, probability):.3f}",
                f"{flagged[fraud].mean():.1%}",
                f"{flagged[~fraud].mean():.2%}",
            )
        )
    return _table(
        (
            "segment",
            "transactions",
            "fraud",
            "stated",
            "average precision",
            "fraud flagged",
            "honest flagged",
        ),
        rows,
    )


def _scenarios(told: ReportInput, part: slice) -> str:
    scenario, probability, cutoffs = (
        told.history.scenario[part],
        told.trained.probability[part],
        told.trained.cutoffs,
    )
    rows = []
    for name in sorted(set(scenario.tolist()) - {""}):
        of = probability[scenario == name]
        rows.append(
            (
                str(name).replace("_", " "),
                f"{len(of):,}",
                f"{(of >= cutoffs.review).mean():.1%}",
                f"{(of >= cutoffs.block).mean():.1%}",
            )
        )
    return _table(("way of fraud", "transactions", "flagged", "blocked"), rows)


def _importance(told: ReportInput) -> str:
    order = np.argsort(told.importance)[-20:]
    bars = go.Bar(
        x=[told.importance[place] for place in order],
        y=[NAMES[place] for place in order],
        orientation="h",
        marker={"color": report_charts.BLUE},
    )
    return report_charts.plot(
        [bars],
        "mean absolute contribution, log-odds (SHAP)",
        "",
        "The twenty features that move the score most",
        height=560,
    )


def _weeks(told: ReportInput) -> str:
    split = split_by_time(told.history.at_ms)
    bins = bins_of(
        {name: told.history.features[split.train][:, place] for place, name in enumerate(NAMES)}
    )
    week = (told.history.at_ms - told.history.at_ms[0]) // WEEK_MS
    rows = []
    for number in np.unique(week[split.train.stop :]):
        here = np.flatnonzero(week == number)
        found = drift_of(
            bins, {name: told.history.features[here][:, place] for place, name in enumerate(NAMES)}
        )
        most = sorted(found, key=lambda one: -one.psi)[:3]
        rows.append(
            (
                f"week {int(number) + 1}",
                f"{len(here):,}",
                f"{told.history.fraud[here].mean():.2%}",
                ", ".join(f"{one.feature} {one.psi:.3f}" for one in most),
            )
        )
    return _table(
        ("week of the history", "transactions", "fraud", "largest PSI against the training part"),
        rows,
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th scope=col>{html.escape(one)}</th>" for one in head)
    lines = "".join("<tr>" + "".join(_cell(one) for one in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(text: str) -> str:
    number = text[:1].isdigit() or text.startswith("-")
    return f"<td{'' if number else ' class=text'}>{html.escape(text)}</td>"
