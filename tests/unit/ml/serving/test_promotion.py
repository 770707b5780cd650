"""A version becomes the champion when it is surely cheaper than the one that decides, and within
bounds.
"""

import pytest

from ml.serving import promotion
from tests.support.models import COMPARED

CHAMPION = COMPARED.champion


def test_what_is_surely_cheaper_and_within_bounds_may_decide():
    assert promotion.reasons_against(COMPARED, CHAMPION) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"saving_low_eur": 0.0}, "not surely cheaper"),
        ({"frauds": 12}, "12 frauds"),
        ({"trees": 4}, "4 trees"),
        ({"calibration_error": 0.02}, "calibration error"),
        ({"insult_rate": 0.003}, "0.30% insults, the champion has 0.20%"),
        ({"review_rate": 0.02}, "2.00% reviews"),
        ({"champion": "fraud-lgbm:zero@0123456789ab"}, "train again"),
    ],
)
def test_each_reason_against_it_is_named(fields, reason):
    [said] = promotion.reasons_against(COMPARED._replace(**fields), CHAMPION)
    assert reason in said


def test_what_was_never_compared_stays_a_challenger():
    assert "never compared" in promotion.reasons_against(None, CHAMPION)[0]


def test_a_few_insults_more_than_none_are_no_reason():
    compared = COMPARED._replace(insult_rate=0.0008, champion_insult_rate=0.0)
    assert promotion.reasons_against(compared, CHAMPION) == []


def test_the_file_is_read_as_it_was_written(tmp_path):
    assert promotion.read(tmp_path) is None
    (tmp_path / promotion.FILE).write_bytes(promotion.encode(COMPARED))
    assert promotion.read(tmp_path) == COMPARED
    (tmp_path / promotion.FILE).write_bytes(b"{}")
    with pytest.raises(ValueError, match="format"):
        promotion.read(tmp_path)
