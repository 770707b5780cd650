"""What is known of a transaction in the end, and since when."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ml.training.labels_file import FileLabel, known_of

START = datetime(2026, 3, 1, tzinfo=UTC)


def word(day, is_fraud):
    at = None if day is None else START + timedelta(days=day)
    return FileLabel(transaction_id="t", is_fraud=is_fraud, labelled_at=at)


def test_a_chargeback_that_is_sent_again_keeps_its_first_time():
    first, again = word(3, True), word(9, True)
    assert known_of([again, first]).reported_ms == first.at_ms


def test_fraud_after_a_won_dispute_is_known_since_the_later_word():
    words = [word(1, True), word(2, False), word(5, True)]
    assert known_of(words) == (True, words[2].at_ms, "")


def test_a_word_without_a_time_was_known_to_nobody_in_time():
    assert known_of([word(None, True)]).reported_ms == math.inf


def test_a_time_without_a_zone_is_utc():
    naive = FileLabel(transaction_id="t", is_fraud=True, labelled_at=datetime(2026, 3, 1))
    assert naive.at_ms == word(0, True).at_ms


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=8))
def test_the_last_word_counts_in_whatever_order_they_are_read(words):
    days = [day for day, _ in words]
    labels = [word(day, is_fraud) for day, is_fraud in words]
    known = known_of(labels)
    last = [is_fraud for day, is_fraud in words if day == max(days)]
    assert known.is_fraud in last
    assert known.is_fraud or known.reported_ms == math.inf
    if known.is_fraud:
        assert known.reported_ms in {label.at_ms for label in labels if label.is_fraud}
