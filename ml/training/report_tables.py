"""The tables of a model's report, each an HTML text. Every text from outside must be escaped;
`_table` does that.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from ml.features import CATALOGUE, NAMES
from ml.serving.drift import bins_of, drift_of
from ml.training import evaluation
from ml.training.evaluation import Costs
from ml.training.train import Array, TrainedModel, TrainingHistory, split_by_time

WEEK_MS = 7 * 86_400_000
CAPACITIES = (0.0, 0.005, 0.01, 0.015, 0.03, 0.05)
"""Review capacities to compare, as shares of the traffic."""
LEAST_IN_SEGMENT = 200
"""In a smaller segment the figures are mostly chance."""


class ReportInput(NamedTuple):
    """Everything that a report is made from."""

    title: str
    source: str
    """Where the data comes from."""
    history: TrainingHistory
    trained: TrainedModel
    costs: Costs
    comparisons: Mapping[str, Mapping[str, float]]
    """Figures of each other recipe on the test part."""
    calibrations: Mapping[str, float]
    single_features: Mapping[str, float]
    importance: Sequence[float]
    """Mean absolute contribution of each feature on the test part, log-odds."""


def calibrations(data: ReportInput) -> str:
    """The calibration error of each method."""
    return _table(
        ("expected calibration error", "value"),
        [(name, f"{value:.4f}") for name, value in data.calibrations.items()],
    )


def capacities(data: ReportInput) -> str:
    """Cutoffs and figures for each review capacity."""
    split = split_by_time(data.history.at_ms)
    part, test = split.cutoffs, split.test
    probability, amount = data.trained.probability, data.history.amount
    known, fraud = data.history.known, data.history.fraud
    rows = []
    for capacity in CAPACITIES:
        costs = data.costs._replace(review_capacity=capacity)
        cutoffs = evaluation.choose_cutoffs(probability[part], known[part], amount[part], costs)
        figures = evaluation.quality(probability[test], fraud[test], amount[test], cutoffs, costs)
        rows.append(
            (
                f"{capacity:.1%}",
                f"{cutoffs.review:.4f}",
                f"{cutoffs.block:.4f}",
                f"{figures['recall_flagged']:.1%}",
                f"{figures['recall_blocked']:.1%}",
                f"{figures['insult_rate']:.3%}",
                f"{figures['cost_eur']:,.0f}",
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


def comparisons(data: ReportInput) -> str:
    """The figures of each recipe."""
    rows = [
        (
            name.replace("_", " "),
            f"{figures['pr_auc']:.3f}",
            f"{figures['roc_auc']:.3f}",
            f"{figures['recall_flagged']:.1%}",
            f"{figures['insult_rate']:.3%}",
            f"{figures['expected_calibration_error']:.4f}",
            f"{figures['cost_eur']:,.0f}",
        )
        for name, figures in data.comparisons.items()
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


def segments(data: ReportInput, part: slice) -> str:
    """The figures of each segment of customers, amounts and countries."""
    history = data.history
    earlier = history.features[part, NAMES.index("user_tx_count")]
    amount, country = history.amount[part], history.country[part]
    groups: dict[str, Array] = {
        "first payment": earlier == 0,
        "2nd to 5th": (earlier > 0) & (earlier < 5),
        "6th and later": earlier >= 5,
        "below 20 euro": amount < 20,
        "20 to 100": (amount >= 20) & (amount < 100),
        "100 to 500": (amount >= 100) & (amount < 500),
        "from 500": amount >= 500,
        **{f"country {name or 'unknown'}": country == name for name in np.unique(country)},
    }
    rows = []
    for name, in_group in groups.items():
        fraud, probability = history.fraud[part][in_group], data.trained.probability[part][in_group]
        if len(fraud) < LEAST_IN_SEGMENT or not fraud.any():
            continue
        flagged = probability >= data.trained.cutoffs.review
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


def scenarios(data: ReportInput, part: slice) -> str:
    """How much of each kind of fraud is flagged and blocked."""
    scenario_of_row, cutoffs = data.history.scenario[part], data.trained.cutoffs
    rows = []
    for scenario in sorted(set(scenario_of_row.tolist()) - {""}):
        probability = data.trained.probability[part][scenario_of_row == scenario]
        rows.append(
            (
                str(scenario).replace("_", " "),
                f"{len(probability):,}",
                f"{(probability >= cutoffs.review).mean():.1%}",
                f"{(probability >= cutoffs.block).mean():.1%}",
            )
        )
    return _table(("way of fraud", "transactions", "flagged", "blocked"), rows)


def weeks(data: ReportInput) -> str:
    """The three features that drifted most in each week after the training part."""
    history, train = data.history, split_by_time(data.history.at_ms).train
    bins = bins_of(_columns(history.features[train]))
    week_of_row = (history.at_ms - history.at_ms[0]) // WEEK_MS
    table_rows = []
    for week in np.unique(week_of_row[train.stop :]):
        rows = np.flatnonzero(week_of_row == week)
        drifts = drift_of(bins, _columns(history.features[rows]))
        largest = sorted(drifts, key=lambda drift: -drift.psi)[:3]
        table_rows.append(
            (
                f"week {int(week) + 1}",
                f"{len(rows):,}",
                f"{history.fraud[rows].mean():.2%}",
                ", ".join(f"{drift.feature} {drift.psi:.3f}" for drift in largest),
            )
        )
    return _table(
        ("week of the history", "transactions", "fraud", "largest PSI against the training part"),
        table_rows,
    )


def features(data: ReportInput) -> str:
    """The catalogue, and how well each feature ranks alone."""
    return _table(
        ("feature", "unit", "what it is", "alone: ROC-AUC"),
        [
            (
                feature.name,
                feature.unit,
                feature.meaning,
                f"{data.single_features[feature.name]:.3f}",
            )
            for feature in CATALOGUE
        ],
    )


def _columns(matrix: Array) -> dict[str, Array]:
    return {name: matrix[:, column] for column, name in enumerate(NAMES)}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th scope=col>{html.escape(title)}</th>" for title in head)
    lines = "".join("<tr>" + "".join(_cell(text) for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(text: str) -> str:
    is_number = text[:1].isdigit() or text.startswith("-")
    return f"<td{'' if is_number else ' class=text'}>{html.escape(text)}</td>"
