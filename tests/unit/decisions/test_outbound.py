"""What a batch sends."""

from fraud_app.contracts.dead_letter import DeadLetter
from fraud_app.decisions.outbound import dead_letters, decision_message
from fraud_app.decisions.parse import Invalid, Misrouted, Record, scoring_input
from tests.support.builders import NOW_MS, decision, transaction


def record(offset):
    return Record(3, offset, b"u1", b"{}", NOW_MS)


def test_a_decision_is_a_cloud_event_keyed_by_its_user():
    item = scoring_input(record(7), transaction(transaction_id="t-9", user_id="u-5"), NOW_MS)
    key, value, headers = decision_message(item, decision())
    assert key == b"u-5"
    assert b'"transaction_id":"t-9"' in value
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_type": b"fraud.transaction.scored.v1",
        "ce_source": b"/fraud/scoring",
        "content-type": b"application/json",
        "ce_id": b"t-9",
        "ce_time": b"2025-11-24T16:00:00.003Z",
    }


def test_only_invalid_records_and_conflicts_become_dead_letters():
    conflict = scoring_input(record(3), transaction(), NOW_MS)
    parsed = [
        scoring_input(record(1), transaction(), NOW_MS),
        Invalid(record(2), "malformed", "not JSON"),
        conflict,
        Misrouted(record(4), "u2", 1),
    ]
    letters = dead_letters(parsed, [conflict])
    assert [(letter.offset, letter.code) for letter in letters] == [
        (2, "malformed"),
        (3, "conflict"),
    ]
    assert letters[0] == DeadLetter(
        "transactions.raw", 3, 2, NOW_MS, b"u1", b"{}", "malformed", "not JSON"
    )
