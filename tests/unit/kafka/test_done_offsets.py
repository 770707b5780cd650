"""How far a partition is done, offsets without a record included."""

from hypothesis import given
from hypothesis import strategies as st

from fraud_app.kafka.done_offsets import DoneOffsets


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1), st.data())
def test_when_all_records_are_done_all_that_was_read_is_done(pieces, data):
    """Pieces with so many records and then so many offsets without one; records are done late."""
    done, end, late = DoneOffsets(), 7, []
    done.start_at("p", end)
    for records, empty in pieces:
        late += range(end, end + records)
        end += records
        if empty:
            done.no_record("p", end, end + empty)
            end += empty
        for _ in range(data.draw(st.integers(0, len(late)))):
            done.record_done("p", late.pop(0))
        first_open = late[0] if late else end
        assert done.of("p") <= first_open, "nothing that is open counts as done"
    for offset in late:
        done.record_done("p", offset)
    assert done.of("p") == end


def test_before_reading_began_nothing_is_known():
    done = DoneOffsets()
    done.no_record("p", 0, 5)
    assert done.of("p") is None


def test_a_new_assignment_begins_where_it_says():
    done = DoneOffsets()
    done.start_at("p", 9)
    done.no_record("p", 9, 12)
    done.start_at("p", 4)
    assert (done.of("p"), list(done)) == (4, ["p"])
    done.forget("p")
    assert (done.of("p"), list(done)) == (None, [])


def test_a_record_that_is_done_again_moves_nothing_back():
    done = DoneOffsets()
    done.start_at("p", 0)
    done.record_done("p", 9)
    done.record_done("p", 3)
    assert done.of("p") == 10
