#!/usr/bin/env python3
"""Our features and model on the public yardstick: the simulator and protocol of the fraud detection
handbook (Le Borgne et al., 2022).

Prints a table beside the book's published figures: mean and spread over seeds of the simulated
data, and the ceiling that no score can pass.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import _environment

_environment.enter()

import numpy as np

from ml.fdh_benchmark.baseline import label_features, profile_features, score, span
from ml.fdh_benchmark.protocol import Figures, ceiling, figures, split
from ml.fdh_benchmark.simulator import simulate

PUBLISHED = {
    "handbook: logistic regression": Figures(0.871, 0.606, 0.291),
    "handbook: random forest": Figures(0.867, 0.658, 0.287),
    "handbook: XGBoost": Figures(0.862, 0.639, 0.273),
    "handbook: XGBoost, selected over four folds": Figures(0.872, 0.694, 0.304),
    "handbook: balanced bagging, selected over four folds": Figures(0.879, 0.680, 0.305),
}


class Fold(NamedTuple):
    """The results on the simulated data of one seed."""

    seed: int
    transactions: int
    fraud_share: float
    ours: Figures
    without_labels: Figures
    ceiling: Figures


def main() -> None:
    args = _arguments()
    started = time.monotonic()
    with ProcessPoolExecutor(args.processes) as pool:
        folds = list(pool.map(fold, range(args.seeds)))
    transactions = np.mean([result.transactions for result in folds])
    fraud_share = np.mean([result.fraud_share for result in folds])
    print(
        f"{args.seeds} seeds of the simulated data, {transactions:,.0f} payments each, "
        f"{fraud_share:.2%} fraud; {time.monotonic() - started:.0f} s\n"
    )
    print("| | AUC ROC | average precision | card precision@100 |\n|---|---|---|---|")
    for name, published in PUBLISHED.items():
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in published) + " |")
    rows = {
        "**ours**": [result.ours for result in folds],
        "ours, nothing known of terminals": [result.without_labels for result in folds],
        "ceiling: all that can be known is known": [result.ceiling for result in folds],
    }
    for name, measured in rows.items():
        print(f"| {name} | {_spread(measured)} |")
    for result in folds:
        ours, ceiling_figures = _joined(result.ours), _joined(result.ceiling)
        print(f"seed {result.seed}: ours {ours}, ceiling {ceiling_figures}", file=sys.stderr)


def fold(seed: int) -> Fold:
    """Simulate the data of one seed, train on its training week and measure on its test week."""
    transactions = simulate(seed)
    parts = split(transactions)
    first_day, last_day = span()
    in_span = (transactions.day >= first_day) & (transactions.day < last_day)
    rows = np.flatnonzero(in_span)
    profile = profile_features(transactions, rows)
    features = np.hstack((profile, label_features(transactions, rows)))
    # The rows of the features are numbered from the first row of the span.
    train, test = np.searchsorted(rows, parts.train), np.searchsorted(rows, parts.test)
    fraud = transactions.fraud[parts.train]
    with_labels = score(features[train], fraud, features[test], seed)
    without_labels = score(profile[train], fraud, profile[test], seed)
    return Fold(
        seed,
        len(transactions.amount),
        float(transactions.fraud.mean()),
        figures(transactions, parts.test, with_labels),
        figures(transactions, parts.test, without_labels),
        ceiling(transactions, parts.test),
    )


def _spread(folds: Iterable[Figures]) -> str:
    """Mean and standard deviation of each figure."""
    values = np.array(list(folds))
    return " | ".join(
        f"{mean:.3f} ± {spread:.3f}"
        for mean, spread in zip(values.mean(axis=0), values.std(axis=0), strict=True)
    )


def _joined(measured: Figures) -> str:
    return " / ".join(f"{value:.3f}" for value in measured)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=5, help="simulated worlds (default: %(default)s)"
    )
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
