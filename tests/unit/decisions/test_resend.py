"""How a dead letter is sent again, or why it cannot be."""

import json
from functools import partial

import pytest

from fraud_app.contracts.dead_letter import MAX_KEPT_BYTES
from fraud_app.contracts.letter_summary import summary_of
from fraud_app.decisions.outbound import dead_letter
from fraud_app.decisions.parse import Record
from fraud_app.decisions.resend import CannotResend, Resend, resend_of
from fraud_app.kafka.partitioner import partition_of
from tests.support.builders import NOW_MS, payload

PARTITION_OF = partial(partition_of, partitions=4)
GOOD = json.dumps(payload(user_id="u1")).encode()


def resent(value, code="unprocessable", topic="transactions.raw", key=b"u1", partition=3):
    """What would be sent for the letter of a record."""
    record = Record(partition, 17, key, value, NOW_MS)
    message = dead_letter(record, code, "why", topic=topic).message("1")
    kept_key, kept_value, headers = message
    summary = summary_of(99, NOW_MS, kept_value, headers)
    return resend_of(summary, kept_key, kept_value, PARTITION_OF)


def test_a_transaction_goes_to_its_users_partition_as_it_was_and_says_where_it_came_from():
    assert resent(GOOD, key=b"another key", partition=0) == Resend(
        "transactions.raw",
        PARTITION_OF("u1"),
        (b"another key", GOOD, [("fraud_resent_from", b"transactions.dlq:0:99")]),
    )


@pytest.mark.parametrize("topic", ["transactions.scored", "transactions.labels"])
def test_what_storage_refused_goes_back_to_the_partition_that_it_came_from(topic):
    sent = resent(b'{"any": 1}', "refused_by_database", topic)
    assert (sent.topic, sent.partition) == (topic, 3)


def test_a_card_number_in_a_note_that_was_masked_does_not_keep_a_transaction_from_being_decided():
    value = json.dumps(payload(user_id="u1", metadata={"note": "4111111111111111"})).encode()
    assert isinstance(resent(value), Resend)


@pytest.mark.parametrize(
    ("value", "options", "reason"),
    [
        (GOOD + b" " * MAX_KEPT_BYTES, {}, "it was cut"),
        (b"", {}, "no value"),
        (None, {}, "no value"),
        (b"{", {"code": "malformed"}, "refused again: malformed"),
        (b'{"user_id": "u1"}', {"code": "invalid"}, "refused again: invalid, /transaction_id"),
        (GOOD + b" " * 70_000, {"code": "too_large"}, "refused again: too_large"),
        (GOOD, {"code": "conflict"}, "a new id is needed"),
        (GOOD, {"topic": "somebody.elses"}, "no topic of ours"),
        (GOOD, {"topic": "transactions.dlq"}, "no topic of ours"),
        (json.dumps(payload(user_id="4111111111111111")).encode(), {}, "ids was masked"),
    ],
)
def test_what_cannot_be_sent_again_says_why(value, options, reason):
    refused = resent(value, **options)
    assert isinstance(refused, CannotResend)
    assert reason in refused.reason


def test_a_letter_of_a_stranger_that_names_no_partition_goes_nowhere():
    summary = summary_of(1, NOW_MS, GOOD, [("dlq_original_topic", b"transactions.scored")])
    assert isinstance(resend_of(summary, None, GOOD, PARTITION_OF), CannotResend)


def test_a_letter_that_says_nothing_goes_nowhere():
    summary = summary_of(1, NOW_MS, GOOD, [])
    assert "nowhere known" in resend_of(summary, None, GOOD, PARTITION_OF).reason
