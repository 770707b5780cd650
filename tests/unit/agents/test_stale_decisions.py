from types import SimpleNamespace

from agents.stale_decisions import without_stale
from fraud_app import metrics
from fraud_app.decisions.assignment import Assignment, SeenAssignments


def record(offset, *headers):
    return SimpleNamespace(
        topic="transactions.scored", partition=0, offset=offset, headers=list(headers)
    )


def test_late_decisions_are_left_out_and_counted_and_foreign_messages_stay():
    frozen, successor = Assignment(4, 1000).header(), Assignment(5, 2000).header()
    records = [record(0, frozen), record(1, successor), record(2, frozen), record(3)]
    counter = metrics.STALE_DECISIONS.labels("a test")
    current = without_stale(records, SeenAssignments(), "a test")
    assert [each.offset for each in current] == [0, 1, 3]
    assert counter._value.get() == 1
