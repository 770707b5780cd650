"""The charts of a model's report, each an HTML figure. They need plotly's script on their page and
must not load anything from the network.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from sklearn.metrics import precision_recall_curve, roc_curve

from ml.features import NAMES
from ml.serving.cutoffs import Cutoffs
from ml.training import evaluation
from ml.training.evaluation import Costs
from ml.training.train import Array

CURVE_POINTS = 400
"""More cannot be told apart on a screen."""
DAY_MS = 86_400_000
PER_DAY = 100
"""Transactions that are looked at each day."""
IMPORTANT = 20
"""Features that the chart of contributions shows."""
INK, BLUE, ORANGE = "#444", "#0072b2", "#d55e00"


def curves(fraud: Array, probability: Array, ap: str, auc: str) -> Iterable[str]:
    """The precision-recall curve and the ROC curve; `ap` and `auc`: their areas, as text for the
    captions. `fraud`: bool, `probability`: float, one entry for each transaction.
    """
    precision, recall, _ = precision_recall_curve(fraud, probability)
    yield plot(
        [go.Scatter(x=_thin(recall), y=_thin(precision), line={"color": BLUE}, name="precision")],
        "share of fraud found (recall)",
        "share of fraud among flagged (precision)",
        f"Precision and recall; average precision {ap}",
    )
    false_positive_rate, true_positive_rate, _ = roc_curve(fraud, probability)
    line = go.Scatter(
        x=_thin(false_positive_rate),
        y=_thin(true_positive_rate),
        line={"color": BLUE},
        name="found",
    )
    yield plot(
        [line],
        "share of honest payments flagged",
        "share of fraud found",
        f"Receiver operating characteristic; area {auc}",
    )


def reliability(fraud: Array, probability: Array) -> str:
    """The predicted probability against the observed share of fraud, for each twentieth of the
    traffic.
    """
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, 20) if len(part)]
    predicted = [float(probability[part].mean()) for part in parts]
    observed = [float(fraud[part].mean()) for part in parts]
    line = [min(predicted), max(predicted)]
    return plot(
        [
            go.Scatter(x=line, y=line, line={"color": INK, "dash": "dot"}, name="perfect"),
            go.Scatter(
                x=predicted,
                y=observed,
                mode="markers",
                marker={"color": BLUE},
                name="twentieths of the traffic",
            ),
        ],
        "stated probability",
        "share of fraud seen",
        "Calibration on the test part",
        log=True,
    )


def precision_by_day(at_ms: Array, fraud: Array, probability: Array) -> str:
    """The share of fraud among the riskiest transactions of each day. `at_ms`: ingest times."""
    day_of_row = at_ms // DAY_MS
    days, precisions = np.unique(day_of_row), []
    for day in days:
        rows = np.flatnonzero(day_of_row == day)
        riskiest = rows[np.argsort(-probability[rows], kind="stable")[:PER_DAY]]
        precisions.append(float(fraud[riskiest].mean()))
    labels = [str(np.datetime64(int(day), "D")) for day in days]
    return plot(
        [go.Bar(x=labels, y=precisions, marker={"color": BLUE})],
        "day",
        "share of fraud",
        f"Precision among the {PER_DAY} riskiest of each day",
    )


def importance(contributions: Sequence[float]) -> str:
    """The features with the largest mean absolute contributions (log-odds)."""
    columns = np.argsort(contributions)[-IMPORTANT:]
    bars = go.Bar(
        x=[contributions[column] for column in columns],
        y=[NAMES[column] for column in columns],
        orientation="h",
        marker={"color": BLUE},
    )
    return plot(
        [bars],
        "mean absolute contribution, log-odds (SHAP)",
        "",
        "The twenty features that move the score most",
        height=560,
    )


def cost_curve(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> str:
    """The cost in euro of each block cutoff, with and without review. Arrays as in
    `evaluation.total_cost`.
    """

    def cost(chosen: Cutoffs) -> float:
        return evaluation.total_cost(probability, fraud, amount, chosen, costs)

    grid = np.geomspace(cutoffs.review, 0.99, 60)
    with_review = [cost(Cutoffs(cutoffs.review, float(block))) for block in grid]
    without_review = [cost(Cutoffs(float(block), float(block))) for block in grid]
    return plot(
        [
            go.Scatter(x=grid, y=with_review, line={"color": BLUE}, name="with review"),
            go.Scatter(
                x=grid,
                y=without_review,
                line={"color": ORANGE, "dash": "dash"},
                name="without review",
            ),
            go.Scatter(
                x=[cutoffs.block],
                y=[cost(cutoffs)],
                mode="markers",
                marker={"color": INK, "size": 10},
                name="chosen",
            ),
        ],
        "block from this probability on",
        "cost on the test part, euro",
        "Cost against the cutoff",
        log_x=True,
    )


def plot(
    traces: list[Any],
    x: str,
    y: str,
    caption: str,
    *,
    log: bool = False,
    log_x: bool = False,
    height: int = 380,
) -> str:
    """An HTML figure with its caption. `log`: both axes are logarithmic, `log_x`: only the first;
    `height` in pixels.
    """
    figure = go.Figure(traces)
    axis = {"type": "log"} if log else {}
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"t": 10, "r": 10},
        xaxis={"title": x, **({"type": "log"} if log_x else axis)},
        yaxis={"title": y, "automargin": True, **axis},
        showlegend=len(traces) > 1,
    )
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displaylogo": False, "modeBarButtonsToRemove": ["toImage"]},
    )
    return f"<figure>{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _thin(values: Array) -> list[float]:
    """At most `CURVE_POINTS` points of a curve, with its first and last."""
    indices = np.unique(np.linspace(0, len(values) - 1, CURVE_POINTS).astype(int))
    return [round(float(value), 5) for value in values[indices]]
