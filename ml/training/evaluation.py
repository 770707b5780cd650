"""How good a score is, in the figures that matter at under one percent of fraud."""

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
    """What outcomes cost, in euro; `ml/training/costs.toml` says what each means."""

    chargeback_fee: float
    lost_margin: float
    insult: float
    analyst_minute: float
    minutes_per_review: float
    caught_in_review: float
    review_capacity: float

    @property
    def review(self) -> float:
        return self.analyst_minute * self.minutes_per_review


def read_costs(path: Path = COSTS_FILE) -> Costs:
    """The costs of a file. Raises `ValueError` naming every key that is missing, unknown or
    negative.
    """
    found = tomllib.loads(path.read_text())
    wrong = sorted({*found} ^ {*Costs._fields}) + [
        name for name in Costs._fields if name in found and not found[name] >= 0
    ]
    if wrong:
        raise ValueError(f"{path}: missing, unknown or negative: {', '.join(wrong)}")
    return Costs(**{name: float(value) for name, value in found.items()})


def total_cost(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> float:
    """Cost in euro of deciding these transactions by these cutoffs. All arrays have one entry a
    transaction; amounts in euro.
    """
    block = probability >= cutoffs.block
    review = (probability >= cutoffs.review) & ~block
    missed = amount + costs.chargeback_fee
    return float(
        missed[fraud & ~block & ~review].sum()
        + (1 - costs.caught_in_review) * missed[fraud & review].sum()
        + costs.review * review.sum()
        + (costs.lost_margin * amount[~fraud & block] + costs.insult).sum()
    )


def choose_cutoffs(probability: Array, fraud: Array, amount: Array, costs: Costs) -> Cutoffs:
    """The cutoffs of least cost within the review capacity, on data that no later figure is
    reported on.
    """
    grid = np.unique(np.round(np.geomspace(0.005, 0.95, 80), 4))
    best, least = Cutoffs(float(grid[-2]), float(grid[-1])), np.inf
    shares = {float(cut): float((probability >= cut).mean()) for cut in grid}
    for review in grid:
        for block in grid[grid > review]:
            if shares[float(review)] - shares[float(block)] > costs.review_capacity:
                continue
            cost = total_cost(
                probability, fraud, amount, Cutoffs(float(review), float(block)), costs
            )
            if cost < least:
                best, least = Cutoffs(float(review), float(block)), cost
    return best


def quality(
    probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs
) -> dict[str, float]:
    """Ranking, calibration and decisions of one set of transactions."""
    block = probability >= cutoffs.block
    flagged = probability >= cutoffs.review
    top = np.argsort(-probability, kind="stable")[: max(1, len(fraud) // 200)]
    return {
        "transactions": float(len(fraud)),
        "fraud_share": float(fraud.mean()),
        "pr_auc": float(average_precision_score(fraud, probability)),
        "roc_auc": float(roc_auc_score(fraud, probability)),
        "precision_at_half_percent": float(fraud[top].mean()),
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
    """Mean distance of stated and seen fraud share over bins of equal size (Naeini et al., AAAI
    2015).
    """
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(
        sum(len(part) * abs(probability[part].mean() - fraud[part].mean()) for part in parts)
        / len(order)
    )
