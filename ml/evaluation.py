"""How good a score is, in the figures that matter at under one percent of fraud."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.policy import Cutoffs

Array = npt.NDArray[Any]


class Costs(NamedTuple):
    """What outcomes cost, in euro. Assumptions of the default policy; change them for your shop and train again."""

    chargeback_fee: float = 20.0
    lost_margin: float = 0.12
    """Share of the amount that is lost when an honest payment is blocked."""
    insult: float = 8.0
    """An honest customer who was blocked: what it costs beside the margin."""
    review: float = 2.5
    """An analyst's few minutes."""
    caught_in_review: float = 0.9
    """Share of the fraud in review that the analyst stops."""


REVIEW_CAPACITY = 0.015
"""Largest share of the traffic that may go to review."""


def total_cost(probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs) -> float:
    """Cost in euro of deciding these transactions by these cutoffs. All arrays have one entry a transaction; amounts in euro."""
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
    """The cutoffs of least cost within the review capacity, on data that no later figure is reported on."""
    grid = np.unique(np.round(np.geomspace(0.005, 0.95, 80), 4))
    best, least = Cutoffs(float(grid[-2]), float(grid[-1])), np.inf
    shares = {float(cut): float((probability >= cut).mean()) for cut in grid}
    for review in grid:
        for block in grid[grid > review]:
            if shares[float(review)] - shares[float(block)] > REVIEW_CAPACITY:
                continue
            cost = total_cost(probability, fraud, amount, Cutoffs(float(review), float(block)), costs)
            if cost < least:
                best, least = Cutoffs(float(review), float(block)), cost
    return best


def quality(probability: Array, fraud: Array, amount: Array, cutoffs: Cutoffs, costs: Costs) -> dict[str, float]:
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
    """Mean distance of stated and seen fraud share over bins of equal size (Naeini et al., AAAI 2015)."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(part) * abs(probability[part].mean() - fraud[part].mean()) for part in parts) / len(order))
