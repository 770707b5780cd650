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
    seed: int
    payments: int
    fraud_share: float
    ours: Figures
    without_labels: Figures
    ceiling: Figures


def main() -> None:
    args = _arguments()
    started = time.monotonic()
    with ProcessPoolExecutor(args.processes) as pool:
        folds = list(pool.map(fold, range(args.seeds)))
    print(
        f"{args.seeds} seeds of the simulated data, {np.mean([one.payments for one in folds]):,.0f} payments each, "
        f"{np.mean([one.fraud_share for one in folds]):.2%} fraud; {time.monotonic() - started:.0f} s\n"
    )
    print("| | AUC ROC | average precision | card precision@100 |\n|---|---|---|---|")
    for name, published in PUBLISHED.items():
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in published) + " |")
    print(f"| **ours** | {_spread(one.ours for one in folds)} |")
    print(f"| ours, nothing known of terminals | {_spread(one.without_labels for one in folds)} |")
    print(f"| ceiling: all that can be known is known | {_spread(one.ceiling for one in folds)} |")
    for one in folds:
        print(
            f"seed {one.seed}: ours {_told(one.ours)}, ceiling {_told(one.ceiling)}",
            file=sys.stderr,
        )


def fold(seed: int) -> Fold:
    """One simulated world, scored by the protocol's weeks."""
    payments = simulate(seed)
    parts = split(payments)
    first, last = span()
    places = np.flatnonzero((payments.day >= first) & (payments.day < last))
    row = np.full(len(payments.amount), -1)
    row[places] = np.arange(len(places))
    features = np.hstack(
        (own := profile_features(payments, places), label_features(payments, places))
    )
    train, test, fraud = row[parts.train], row[parts.test], payments.fraud[parts.train]
    return Fold(
        seed,
        len(payments.amount),
        float(payments.fraud.mean()),
        figures(payments, parts.test, score(features[train], fraud, features[test], seed)),
        figures(payments, parts.test, score(own[train], fraud, own[test], seed)),
        ceiling(payments, parts.test),
    )


def _spread(folds: Iterable[Figures]) -> str:
    values = np.array(list(folds))
    return " | ".join(
        f"{mean:.3f} ± {spread:.3f}"
        for mean, spread in zip(values.mean(axis=0), values.std(axis=0), strict=True)
    )


def _told(found: Figures) -> str:
    return " / ".join(f"{value:.3f}" for value in found)


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
