"""What speaks against making a version the champion: it is compared with the champion of its day on
the same transactions, and stays a challenger until it is surely cheaper and within bounds.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import orjson

from ml.serving.registry import json_bytes

FILE = "against_champion.json"
"""In a version's directory. A version that was made before there was a champion has none."""
FEWEST_FRAUDS = 50
"""In the test part. Fewer tell little: an interval by customer is then wider than any saving."""
FEWEST_TREES = 10
"""A model of fewer trees stopped because there was nothing to learn from."""
MOST_CALIBRATION_ERROR = 0.01
"""Expected calibration error. The cut-offs follow from probabilities."""
MOST_MORE = 1.25
"""By how much more insults or reviews a cheaper model may pay for its savings."""
LEAST_SHARE = 0.001
"""Shares of insults and reviews below it are never too many."""


class AgainstChampion(NamedTuple):
    """A version and the champion on the same test part. Costs in euro, rates as shares of all."""

    champion: str
    """Its reference, `name:version@digest`."""
    transactions: int
    frauds: int
    customers: int
    trees: int
    cost_eur: float
    champion_cost_eur: float
    saving_low_eur: float
    saving_high_eur: float
    """The 95 % interval of what the version saves, by a bootstrap of customers."""
    pr_auc: float
    champion_pr_auc: float
    calibration_error: float
    insult_rate: float
    champion_insult_rate: float
    review_rate: float
    champion_review_rate: float
    only_right: int
    only_champion_right: int
    """Transactions that only one of the two flagged rightly, or rightly let pass."""
    mcnemar_p: float
    """How likely so uneven counts are when both are equally often right."""

    @property
    def saving_eur(self) -> float:
        """What the version saves on the test part; negative when it costs more."""
        return self.champion_cost_eur - self.cost_eur


def encode(compared: AgainstChampion) -> bytes:
    """The file's content."""
    return json_bytes(compared._asdict())


def read(version: Path) -> AgainstChampion | None:
    """Of a version's directory; None when it was never compared. The registry checks the file's
    sha256 as that of every other. Raises `ValueError` for a file of another release.
    """
    try:
        content = (version / FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return AgainstChampion(**orjson.loads(content))
    except TypeError as error:
        raise ValueError(f"{version / FILE}: not in the format of this release") from error


def reasons_against(compared: AgainstChampion | None, champion: str) -> list[str]:
    """Why the version shall not become the champion; empty when it may. `champion`: the reference
    of the champion now.
    """
    if compared is None:
        return [f"it was never compared with a champion: train it beside {champion}"]
    reasons = []
    if compared.champion != champion:
        reasons.append(
            f"it was compared with {compared.champion}, the champion is {champion} now: train again"
        )
    if compared.frauds < FEWEST_FRAUDS:
        reasons.append(f"{compared.frauds} frauds in the test part, at least {FEWEST_FRAUDS} tell")
    if compared.trees < FEWEST_TREES:
        reasons.append(f"{compared.trees} trees, at least {FEWEST_TREES} are a model")
    if compared.saving_low_eur <= 0:
        reasons.append(
            f"it is not surely cheaper: saves {_euro(compared.saving_eur)}, {_interval(compared)}"
        )
    if compared.calibration_error > MOST_CALIBRATION_ERROR:
        reasons.append(
            f"calibration error {compared.calibration_error:.4f}, at most {MOST_CALIBRATION_ERROR}"
        )
    for what, rate, of_champion in (
        ("insults", compared.insult_rate, compared.champion_insult_rate),
        ("reviews", compared.review_rate, compared.champion_review_rate),
    ):
        if rate > max(MOST_MORE * of_champion, LEAST_SHARE):
            reasons.append(f"{rate:.2%} {what}, the champion has {of_champion:.2%}")
    return reasons


def described(compared: AgainstChampion) -> list[str]:
    """The comparison in words, a line each."""
    return [
        f"Against {compared.champion} on the same {compared.transactions:,} transactions of"
        f" {compared.customers:,} customers, {compared.frauds:,} of them fraud:",
        f"  cost {_euro(compared.cost_eur)}, the champion {_euro(compared.champion_cost_eur)}",
        f"  saves {_euro(compared.saving_eur)}, {_interval(compared)} (bootstrap by customer)",
        f"  PR-AUC {compared.pr_auc:.3f}, the champion {compared.champion_pr_auc:.3f}",
        f"  only it is right on {compared.only_right:,}, only the champion on"
        f" {compared.only_champion_right:,} (McNemar, p = {compared.mcnemar_p:.2g})",
    ]


def _interval(compared: AgainstChampion) -> str:
    low, high = _euro(compared.saving_low_eur), _euro(compared.saving_high_eur)
    return f"with 95 % between {low} and {high}"


def _euro(amount: float) -> str:
    return f"{'−' if amount < 0 else ''}€{abs(amount):,.0f}"
