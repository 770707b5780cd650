"""The curves of a model's report, each a figure that needs plotly on its page."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from sklearn.metrics import precision_recall_curve, roc_curve

from ml.serving.cutoffs import Cutoffs
from ml.training import evaluation
from ml.training.evaluation import Costs
from ml.training.train import Array

CURVE_POINTS = 400
INK, BLUE, ORANGE = "#444", "#0072b2", "#d55e00"


def curves(fraud: Array, probability: Array, ap: str, auc: str) -> Iterable[str]:
    """Precision against recall and the ROC curve; `ap` and `auc`: their areas, for the captions."""
    precision, recall, _ = precision_recall_curve(fraud, probability)
    yield plot(
        [go.Scatter(x=_thin(recall), y=_thin(precision), line={"color": BLUE}, name="precision")],
        "share of fraud found (recall)",
        "share of fraud among flagged (precision)",
        f"Precision and recall; average precision {ap}",
    )
    wrong, right, _ = roc_curve(fraud, probability)
    yield plot(
        [go.Scatter(x=_thin(wrong), y=_thin(right), line={"color": BLUE}, name="found")],
        "share of honest payments flagged",
        "share of fraud found",
        f"Receiver operating characteristic; area {auc}",
    )


def reliability(fraud: Array, probability: Array) -> str:
    """Stated probability against the share of fraud, by twentieths of the traffic."""
    parts = [
        part for part in np.array_split(np.argsort(probability, kind="stable"), 20) if len(part)
    ]
    said, seen = (
        [float(probability[part].mean()) for part in parts],
        [float(fraud[part].mean()) for part in parts],
    )
    line = [min(said), max(said)]
    return plot(
        [
            go.Scatter(x=line, y=line, line={"color": INK, "dash": "dot"}, name="perfect"),
            go.Scatter(
                x=said,
                y=seen,
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


def cost_curve(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> str:
    """What each block cutoff would cost, with and without review."""
    grid = np.geomspace(cutoffs.review, 0.99, 60)
    total = [
        evaluation.total_cost(
            probability, fraud, amount, Cutoffs(cutoffs.review, float(cut)), costs
        )
        for cut in grid
    ]
    alone = [
        evaluation.total_cost(probability, fraud, amount, Cutoffs(float(cut), float(cut)), costs)
        for cut in grid
    ]
    chosen = evaluation.total_cost(probability, fraud, amount, cutoffs, costs)
    return plot(
        [
            go.Scatter(x=grid, y=total, line={"color": BLUE}, name="with review"),
            go.Scatter(
                x=grid, y=alone, line={"color": ORANGE, "dash": "dash"}, name="without review"
            ),
            go.Scatter(
                x=[cutoffs.block],
                y=[chosen],
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
    """A figure with its caption. `log`: both axes, `log_x`: the first alone."""
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
    """At most so many points of a curve, its ends kept."""
    places = np.unique(np.linspace(0, len(values) - 1, CURVE_POINTS).astype(int))
    return [round(float(one), 5) for one in values[places]]
