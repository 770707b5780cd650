"""The C API against LightGBM's own Python package, on the champion."""

import lightgbm
import numpy as np
import pytest
from lightgbm.basic import LightGBMError

from fraud_app.settings import ROOT
from ml.features import NAMES
from ml.serving import registry
from ml.serving.booster import Booster


@pytest.fixture(scope="module")
def text():
    models = ROOT / "models"
    return registry.read(models / "fraud-lgbm" / registry.version_of(models, "fraud-lgbm")).text


def rows(count):
    rng = np.random.default_rng(5)
    matrix = rng.lognormal(1, 2, (count, len(NAMES))).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    return matrix


@pytest.mark.parametrize("count", [0, 1, 7, 16, 17, 64])
def test_it_gives_what_the_python_package_gives_bit_for_bit(text, count):
    ours, theirs, matrix = Booster(text), lightgbm.Booster(model_str=text), rows(count)
    assert ours.features == theirs.num_feature() == len(NAMES)
    if not count:
        assert ours.raw_scores(matrix).shape == (0,)
        return
    assert np.array_equal(
        ours.raw_scores(matrix), theirs.predict(matrix, raw_score=True, num_threads=1)
    )
    assert np.array_equal(
        ours.contributions(matrix), theirs.predict(matrix, pred_contrib=True, num_threads=1)
    )


def test_a_text_that_is_no_model_is_an_error():
    with pytest.raises(LightGBMError):
        Booster("tree\nversion=v4\nnonsense")


@pytest.mark.parametrize(
    "wrong",
    [rows(2).astype(np.float64), rows(4).T, rows(2)[:, :-1], rows(4)[:, ::-1]],
    ids=["doubles", "transposed", "a feature short", "not contiguous"],
)
def test_another_shape_or_layout_never_reaches_the_library(text, wrong):
    with pytest.raises(ValueError, match="C-ordered"):
        Booster(text).raw_scores(wrong)
