"""A loaded model: probabilities, and what made them."""

import math

import numpy as np
import pytest

from fraud_app.settings import ROOT
from ml.features import NAMES
from ml.serving import registry
from ml.serving.cutoffs import log_odds
from ml.serving.scorer import Scorer, matrix_of


@pytest.fixture(scope="module")
def files():
    return registry.read_alias(ROOT / "models", "fraud-lgbm")


@pytest.fixture(scope="module")
def scorer(files):
    return Scorer(files)


def rows(count):
    return np.random.default_rng(1).normal(50, 40, (count, len(NAMES))).astype(np.float32)


def test_one_by_one_and_together_give_the_same_probabilities(scorer):
    matrix = rows(40)
    together = scorer.probabilities(matrix)
    assert [scorer.probabilities(matrix[row : row + 1])[0] for row in range(40)] == together
    assert all(0 < probability < 1 for probability in together)


def test_contributions_and_the_base_add_up_to_the_log_odds(scorer, files):
    matrix = rows(3)
    missing = matrix_of([[math.nan] * len(NAMES)])
    # The base value is the same for every row: what is left when the contributions are taken away.
    bases = [
        log_odds(probability) - sum(parts)
        for probability, parts in zip(
            [*scorer.probabilities(matrix), *scorer.probabilities(missing)],
            [*scorer.contributions(matrix), *scorer.contributions(missing)],
            strict=True,
        )
    ]
    assert bases == pytest.approx([bases[0]] * 4, abs=1e-3)


def test_a_model_for_other_features_is_refused(files, monkeypatch):
    monkeypatch.setattr("ml.serving.scorer.NAMES", NAMES[:-1])
    with pytest.raises(ValueError, match="features"):
        Scorer(files)
