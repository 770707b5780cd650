"""The report of one model: an HTML page with curves and intervals, costs, segments, fraud
scenarios, drift and features. It opens offline: everything is in the one file, and nothing may be
loaded from the network.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.training import report_charts, report_tables
from ml.training.report_tables import ReportInput
from ml.training.train import Array, split_by_time

__all__ = ["Interval", "ReportInput", "bootstrap", "write"]

PLOTLY = Path(__file__).resolve().parents[2] / "web" / "static" / "vendor" / "plotly-basic.min.js"
RESAMPLES = 200
"""Enough for the two digits that anybody reads of an interval."""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}"
    "th,td{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:right}"
    "th:first-child,td:first-child,td.text{text-align:left}"
    "figure{margin:1.5rem 0}figcaption{color:#555}"
)


class Interval(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95 %: {self.low:.3f} to {self.high:.3f})"


def write(data: ReportInput) -> str:
    """The page as HTML."""
    part = split_by_time(data.history.at_ms).test
    fraud, amount = data.history.fraud[part], data.history.amount[part]
    probability, cutoffs = data.trained.probability[part], data.trained.cutoffs
    average_precision, roc_auc = bootstrap(fraud, probability)
    title = html.escape(data.title)
    return "\n".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f"<title>{title}</title><style>{_STYLE}</style>",
            f"<script>{PLOTLY.read_text()}</script>",
            f"<h1>{title}</h1><p>{html.escape(data.source)}</p>",
            f"<p>Test part: {len(fraud):,} transactions, {int(fraud.sum()):,} fraud "
            f"({fraud.mean():.2%}). Average precision {average_precision}, ROC-AUC {roc_auc}. "
            f"Cutoffs: review from {cutoffs.review}, block from {cutoffs.block}.</p>",
            "<h2>Ranking</h2>",
            *report_charts.curves(fraud, probability, str(average_precision), str(roc_auc)),
            report_charts.precision_by_day(data.history.at_ms[part], fraud, probability),
            "<h2>Calibration</h2>",
            report_charts.reliability(fraud, probability),
            report_tables.calibrations(data),
            "<h2>Cost</h2>",
            report_charts.cost_curve(probability, fraud, amount, cutoffs, data.costs),
            report_tables.capacities(data),
            "<h2>Recipes compared</h2>",
            report_tables.comparisons(data),
            "<h2>Segments</h2>",
            report_tables.segments(data, part),
            "<h2>Ways of fraud</h2>",
            report_tables.scenarios(data, part),
            "<h2>What the model looks at</h2>",
            report_charts.importance(data.importance),
            "<h2>Drift over the weeks</h2>",
            report_tables.weeks(data),
            "<h2>Features</h2>",
            report_tables.features(data),
        )
    )


def bootstrap(
    fraud: Array, probability: Array, resamples: int = RESAMPLES
) -> tuple[Interval, Interval]:
    """Average precision and ROC-AUC with percentile intervals (Efron and Tibshirani, 1993).
    `fraud`: bool, `probability`: float, one entry for each transaction.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    resampled = []
    for _ in range(resamples):
        rows = rng.integers(0, len(fraud), len(fraud))
        if fraud[rows].any():
            resampled.append(
                (
                    average_precision_score(fraud[rows], probability[rows]),
                    roc_auc_score(fraud[rows], probability[rows]),
                )
            )
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    return (
        Interval(float(average_precision_score(fraud, probability)), float(low[0]), float(high[0])),
        Interval(float(roc_auc_score(fraud, probability)), float(low[1]), float(high[1])),
    )
