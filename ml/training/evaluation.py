"""How good a score is, in the figures that matter when less than one percent is fraud: ranking,
calibration, decisions and their cost in euro. Cutoffs must never be chosen on the data that a
figure is reported on.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.serving.cutoffs import Cutoffs

Array = npt.NDArray[Any]

COSTS_FILE = Path(__file__).with_name("costs.toml")


class Costs(NamedTuple):
    """What decisions cost, in euro; `ml/training/costs.toml` explains each entry."""

    chargeback_fee: float
    lost_margin: float
    insult: float
    analyst_minute: float
    minutes_per_review: float
    caught_in_review: float
    review_capacity: float

    @property
    def review(self) -> float:
        """Cost of one review, in euro."""
        return self.analyst_minute * self.minutes_per_review


def read_costs(path: Path = COSTS_FILE) -> Costs:
    """The costs in a TOML file. Raises `ValueError` that names every key that is missing, unknown
    or negative.
    """
    values = tomllib.loads(path.read_text())
    wrong = sorted({*values} ^ {*Costs._fields}) + [
        name for name in Costs._fields if name in values and not values[name] >= 0
    ]
    if wrong:
        raise ValueError(f"{path}: missing, unknown or negative: {', '.join(wrong)}")
    return Costs(**{name: float(value) for name, value in values.items()})


def total_cost(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> float:
    """Cost in euro of deciding these transactions by these cutoffs; arrays as in `costs_of`."""
    return float(costs_of(probability, fraud, amount, cutoffs, costs).sum())


def costs_of(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> Array:
    """Cost in euro of deciding each of these transactions by these cutoffs. One entry for each
    transaction in every array: probability float, fraud bool, amount in euro; of an amount that is
    NaN only the fixed costs count.
    """
    amount = np.nan_to_num(amount)
    block = probability >= cutoffs.block
    review = (probability >= cutoffs.review) & ~block
    missed = np.where(review, 1 - costs.caught_in_review, np.where(block, 0.0, 1.0))
    insult = np.where(block, costs.lost_margin * amount + costs.insult, 0.0)
    of_each: Array = costs.review * review + np.where(
        fraud, missed * (amount + costs.chargeback_fee), insult
    )
    return of_each


def choose_cutoffs(probability: Array, fraud: Array, amount: Array, costs: Costs) -> Cutoffs:
    """The cutoffs of least cost within the review capacity. No later figure may be reported on this
    data. Arrays as in `costs_of`.
    """
    grid = [float(cutoff) for cutoff in np.unique(np.round(np.geomspace(0.005, 0.95, 80), 4))]
    best, least_cost = Cutoffs(grid[-2], grid[-1]), np.inf
    shares = [float((probability >= cutoff).mean()) for cutoff in grid]
    for row, review in enumerate(grid):
        for column in range(row + 1, len(grid)):
            if shares[row] - shares[column] > costs.review_capacity:
                continue
            cutoffs = Cutoffs(review, grid[column])
            cost = total_cost(probability, fraud, amount, cutoffs, costs)
            if cost < least_cost:
                best, least_cost = cutoffs, cost
    return best


def quality(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> dict[str, float]:
    """The figures of one set of transactions: ranking, calibration, decisions, cost in euro. Arrays
    as in `total_cost`. NaN for the precision when nothing is blocked.
    """
    block = probability >= cutoffs.block
    flagged = probability >= cutoffs.review
    riskiest = np.argsort(-probability, kind="stable")[: max(1, len(fraud) // 200)]
    return {
        "transactions": float(len(fraud)),
        "fraud_share": float(fraud.mean()),
        "pr_auc": float(average_precision_score(fraud, probability)),
        "roc_auc": float(roc_auc_score(fraud, probability)),
        "precision_at_half_percent": float(fraud[riskiest].mean()),
        "brier": float(np.mean((probability - fraud) ** 2)),
        "expected_calibration_error": expected_calibration_error(probability, fraud),
        "block_rate": float(block.mean()),
        "review_rate": float((flagged & ~block).mean()),
        "recall_blocked": float(block[fraud].mean()),
        "recall_flagged": float(flagged[fraud].mean()),
        "precision_blocked": float(fraud[block].mean()) if block.any() else float("nan"),
        "insult_rate": float(block[~fraud].mean()),
        "cost_eur": total_cost(probability, fraud, amount, cutoffs, costs),
        "cost_eur_without_model": total_cost(np.zeros(len(fraud)), fraud, amount, cutoffs, costs),
    }


def expected_calibration_error(probability: Array, fraud: Array, bins: int = 20) -> float:
    """Mean distance between the predicted and the observed share of fraud, over bins of equal
    size (Naeini et al., AAAI 2015).
    """
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    distances = (len(part) * abs(probability[part].mean() - fraud[part].mean()) for part in parts)
    return float(sum(distances) / len(order))
