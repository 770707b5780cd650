import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.decision_record import Contribution
from ml.features import NAMES
from ml.profile.layout import view
from ml.profile.windows import DAY_MS, HOUR_MS
from tables.row_update import add_decision
from tables.user_row import EMPTY, MAX_BYTES, MAX_PENDING, decode, encode, position
from tests.support.builders import NOW_MS, decision, event, same


def grown(count, step_ms=1000, acked_offset=None, **fields):
    row = EMPTY
    for number in range(count):
        one = event(
            NOW_MS + number * step_ms,
            transaction_id=f"t{number}",
            device_id=f"d{number % 20}",
            merchant_id=f"m{number % 30}",
            payment_method={"fingerprint": f"c{number % 6}"},
            country="DE" if number % 2 else "FR",
            **fields,
        )
        row = add_decision(
            row,
            one,
            decision(scored_ms=one.received_ms + number),
            1,
            number,
            number - 1 if acked_offset is None else acked_offset,
        )
    return row


@given(st.integers(0, 60), st.sampled_from([1000, HOUR_MS, DAY_MS]))
def test_decoding_gives_back_what_was_encoded(count, step):
    row = grown(count, step)
    assert same(decode(encode(row)), row)


def test_the_largest_row_stays_under_its_bound():
    row = EMPTY
    reasons = tuple(Contribution(place, 1.0) for place in range(5))
    features = b"\x00\x00\x80\x3f" * len(NAMES)
    for number in range(3000):
        one = event(
            NOW_MS + number * 210_000,
            device_id=f"d{number}",
            merchant_id=f"m{number}",
            payment_method={"fingerprint": f"c{number}"},
            country="ABCDEFGHIJ"[number % 10] + "X",
        )
        decided = decision(
            reasons=reasons,
            features=features,
            model=f"fraud-lgbm-challenger:2026.11.24-{number // 700:05d}",
        )
        row = add_decision(row, one, decided, 1, number, number - MAX_PENDING)
        assert len(encode(row)) <= MAX_BYTES
    assert len(row.pending) == MAX_PENDING


def test_a_row_that_would_be_too_large_is_an_error_and_no_surprise():
    row = grown(3)
    with pytest.raises(ValueError, match="breaks the bound"):
        encode(row._replace(pending=row.pending * 200))


def test_more_decisions_than_a_row_can_hold_are_refused():
    with pytest.raises(ValueError, match="wait for the broker"):
        grown(MAX_PENDING + 1, acked_offset=-1)


def test_a_row_of_another_format_says_what_to_do():
    with pytest.raises(ValueError, match="rebuild the table"):
        decode(b"\x63" + encode(grown(1))[1:])


@pytest.mark.parametrize("written", ["format-1", "format-2"])
def test_rows_of_the_formats_before_are_read(written):
    """Rows of three users as the release before wrote them, and the same payments in today's
    format.
    """
    before = json.loads((Path(__file__).parent / "legacy_rows.json").read_text())
    for count, row in before[written].items():
        assert same(decode(bytes.fromhex(row)), grown(int(count), HOUR_MS))


def test_the_position_can_be_read_without_the_rest():
    assert position(encode(grown(7))) == (1, 6)


def test_a_place_that_is_not_known_stays_unknown():
    assert math.isnan(
        view(decode(encode(grown(1, latitude=None, longitude=None))).profile).latitude
    )
