"""The user row: its bytes, its bounds and its older formats."""

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
from tables.origins import MAX_ORIGINS, Origin
from tables.row_update import add_decision
from tables.user_row import EMPTY, MAX_BYTES, MAX_PENDING, decode, encode, position
from tests.support.builders import NOW_MS, decision, event, same


def row_after(count, step_ms=1000, acked_offset=None, **fields):
    """The row after so many transactions; the decisions before the last one are acknowledged."""
    row = EMPTY
    for number in range(count):
        transaction = event(
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
            transaction,
            decision(scored_ms=transaction.received_ms + number),
            1,
            number,
            number - 1 if acked_offset is None else acked_offset,
        )
    return row


@given(st.integers(0, 60), st.sampled_from([1000, HOUR_MS, DAY_MS]))
def test_decoding_gives_back_what_was_encoded(count, step):
    row = row_after(count, step)
    assert same(decode(encode(row)), row)


def test_the_largest_row_stays_under_4_kib():
    row = EMPTY
    reasons = tuple(Contribution(feature, 1.0) for feature in range(5))
    features = b"\x00\x00\x80\x3f" * len(NAMES)
    for number in range(3000):
        transaction = event(
            NOW_MS + number * 210_000,
            device_id=f"d{number}",
            merchant_id=f"m{number}",
            payment_method={"fingerprint": f"c{number}"},
            country=("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "NL")[number % 10],
        )
        decided = decision(
            reasons=reasons,
            features=features,
            model=f"fraud-lgbm-challenger:2026.11.24-{number // 700:05d}",
        )
        origin = Origin(number % 97, number)
        row = add_decision(row, transaction, decided, 1, number, number - MAX_PENDING, origin)
        assert len(encode(row)) <= MAX_BYTES
    assert len(row.pending) == MAX_PENDING
    stored = decode(encode(row)).origins
    assert 3 <= len(stored) <= MAX_ORIGINS
    assert stored == row.origins[-len(stored) :]


def test_a_row_that_is_too_large_is_refused():
    row = row_after(3)
    with pytest.raises(ValueError, match="breaks the bound"):
        encode(row._replace(pending=row.pending * 200))


def test_more_pending_decisions_than_a_row_can_hold_are_refused():
    with pytest.raises(ValueError, match="wait for the broker"):
        row_after(MAX_PENDING + 1, acked_offset=-1)


def test_the_error_of_an_unknown_format_says_what_to_do():
    with pytest.raises(ValueError, match="rebuild the table"):
        decode(b"\x63" + encode(row_after(1))[1:])


@pytest.mark.parametrize("written", ["format-1", "format-2"])
def test_rows_of_older_formats_are_read(written):
    """Rows of three users as an older release wrote them, and the same transactions in today's
    format.
    """
    legacy = json.loads((Path(__file__).parent / "legacy_rows.json").read_text())
    for count, row in legacy[written].items():
        assert same(decode(bytes.fromhex(row)), row_after(int(count), HOUR_MS))


def test_the_position_is_read_without_decoding_the_row():
    assert position(encode(row_after(7))) == (1, 6)


def test_an_unknown_location_stays_unknown():
    assert math.isnan(
        view(decode(encode(row_after(1, latitude=None, longitude=None))).profile).latitude
    )
