"""A trained model and the champion on the same test part of a history."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from ml.serving.cutoffs import Cutoffs
from ml.serving.promotion import AgainstChampion
from ml.serving.registry import ModelFiles
from ml.training import evaluation
from ml.training.train import Array, TrainedModel, TrainingHistory, score, split_by_time

RESAMPLES = 2000
"""Of the bootstrap (Efron, 1979)."""
CONFIDENCE = (0.025, 0.975)


def compare(
    history: TrainingHistory, trained: TrainedModel, champion: ModelFiles, seed: int
) -> AgainstChampion:
    """Score the test part with the champion as well, each with its own cut-offs.

    The champion may have seen transactions of the test part when it was trained; the new model has
    not. So the comparison favours the champion, if anybody.
    """
    part, costs = split_by_time(history.at_ms).test, evaluation.read_costs()
    fraud, amount = history.fraud[part], history.amount[part]
    of_champion = score(champion.text, champion.slope, champion.intercept, history.features[part])
    of_trained = trained.probability[part]
    loss = evaluation.costs_of(of_trained, fraud, amount, trained.cutoffs, costs)
    champion_loss = evaluation.costs_of(of_champion, fraud, amount, champion.cutoffs, costs)
    low, high = interval_by_customer(champion_loss - loss, history.customer[part], seed)
    figures = evaluation.quality(of_champion, fraud, amount, champion.cutoffs, costs)
    own = trained.metrics["test"]
    right = _is_right(of_trained, fraud, trained.cutoffs)
    champion_right = _is_right(of_champion, fraud, champion.cutoffs)
    only, only_champion = int((right & ~champion_right).sum()), int((champion_right & ~right).sum())
    return AgainstChampion(
        champion=champion.reference,
        transactions=len(fraud),
        frauds=int(fraud.sum()),
        customers=len(np.unique(history.customer[part])),
        trees=trained.rounds,
        cost_eur=float(loss.sum()),
        champion_cost_eur=float(champion_loss.sum()),
        saving_low_eur=low,
        saving_high_eur=high,
        pr_auc=own["pr_auc"],
        champion_pr_auc=figures["pr_auc"],
        calibration_error=own["expected_calibration_error"],
        insult_rate=own["insult_rate"],
        champion_insult_rate=figures["insult_rate"],
        review_rate=own["review_rate"],
        champion_review_rate=figures["review_rate"],
        only_right=only,
        only_champion_right=only_champion,
        mcnemar_p=_mcnemar(only, only_champion),
    )


def interval_by_customer(values: Array, customer: Array, seed: int) -> tuple[float, float]:
    """The 95 % interval of the sum of `values`, when customers are drawn with replacement.

    Fraud comes in incidents, several transactions of one customer: drawn one by one, the interval
    would be half as wide as it is. `values`: float, `customer`: int, one entry a transaction.
    """
    _, codes = np.unique(customer, return_inverse=True)
    sums = np.bincount(codes, weights=values)
    # A customer without a difference changes nothing, however often it is drawn: all of them are
    # one, drawn with their share.
    differing = sums[sums != 0]
    if not len(differing):
        return 0.0, 0.0
    shares = np.append(np.full(len(differing), 1 / len(sums)), 1 - len(differing) / len(sums))
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = [float(rng.multinomial(len(sums), shares)[:-1] @ differing) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, CONFIDENCE)
    return float(low), float(high)


def _is_right(probability: Array, fraud: Array, cutoffs: Cutoffs) -> Array:
    right: Array = (probability >= cutoffs.review) == fraud
    return right


def _mcnemar(only: int, only_champion: int) -> float:
    """The exact two-sided p-value (McNemar, 1947)."""
    differing = only + only_champion
    return float(binomtest(only, differing).pvalue) if differing else 1.0
