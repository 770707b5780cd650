"""Every feature's part in a decision, from what was stored with it."""

import pytest

from fraud_app.decisions.explanations import explain_features
from fraud_app.settings import ROOT
from ml.features import NAMES
from ml.serving import registry
from ml.serving.scorer import Scorer, matrix_of


@pytest.fixture(scope="module")
def scorer():
    return Scorer(registry.read_alias(ROOT / "models", "fraud-lgbm"))


@pytest.fixture
def scored(scorer):
    name, version, digest = registry.parts_of(scorer.reference)
    model = {"name": name, "version": version, "digest": digest}
    return {"model": model, "features": [0.0] * len(NAMES)}


def test_all_features_are_explained_the_strongest_first(scored, scorer):
    explained = explain_features(scored, scorer)
    assert {feature["code"] for feature in explained} == set(NAMES)
    strengths = [abs(feature["contribution"]) for feature in explained]
    assert strengths == sorted(strengths, reverse=True)
    assert all(feature["unit"] and feature["meaning"] and feature["group"] for feature in explained)


def test_contributions_add_up_to_what_the_scorer_says(scored, scorer):
    explained = explain_features(scored, scorer)
    zeros = [[0.0] * len(NAMES)]
    expected = sum(scorer.contributions(matrix_of(zeros))[0])
    total = sum(feature["contribution"] for feature in explained)
    assert total == pytest.approx(expected, abs=0.001 * len(NAMES))


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"features": None},
        {"model": {"name": "fraud-lgbm", "version": "another", "digest": None}},
    ],
    ids=["no model decided", "features not kept", "another model decided"],
)
def test_nothing_is_explained_by_guessing(scored, scorer, change):
    assert explain_features(scored | change, scorer) is None
    assert explain_features(scored, None) is None
