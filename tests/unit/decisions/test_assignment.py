"""Late decisions of a worker that was taken for dead are recognised, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_app.decisions.assignment import HEADER, Assignment, SeenAssignments, assignment_of


def test_the_header_gives_the_assignment_back():
    assignment = Assignment(17, 1_764_000_000_000)
    assert assignment_of([("ce_id", b"t1"), assignment.header()]) == assignment


@pytest.mark.parametrize("value", [None, b"", b"17", b"a:b", b"1:-2", b"\xff", b"1:2:3"])
def test_a_header_that_says_nothing_is_no_assignment(value):
    assert assignment_of([(HEADER, value)]) is None
    assert not SeenAssignments().is_stale(0, 0, None)


def test_a_group_that_was_deleted_and_starts_at_one_again_is_not_stale():
    seen = SeenAssignments()
    assert not seen.is_stale(0, 0, Assignment(40, 1000))
    assert not seen.is_stale(0, 1, Assignment(1, 2000))


def test_a_worker_whose_clock_is_behind_is_not_stale():
    seen = SeenAssignments()
    assert not seen.is_stale(0, 0, Assignment(4, 2000))
    assert not seen.is_stale(0, 1, Assignment(5, 1000))


def test_partitions_are_judged_apart():
    seen = SeenAssignments()
    assert not seen.is_stale(0, 5, Assignment(5, 2000))
    assert not seen.is_stale(1, 6, Assignment(4, 1000))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=40),
    st.lists(st.integers(0, 39), max_size=5),
)
def test_each_message_is_judged_the_same_however_often_it_is_read(owners, rewinds):
    """`owners`: which of six assignments, one after the other, made each message."""
    assignments = [Assignment(number, 1000 * number) for number in range(6)]
    expected = [owner < max(owners[: index + 1]) for index, owner in enumerate(owners)]
    seen = SeenAssignments()
    for start in (0, *rewinds):
        for offset in range(min(start, len(owners) - 1), len(owners)):
            stale = seen.is_stale(0, offset, assignments[owners[offset]])
            assert stale is expected[offset]
