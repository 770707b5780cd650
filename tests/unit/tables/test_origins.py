"""Which rerouted records are counted already."""

from hypothesis import given
from hypothesis import strategies as st

from tables.origins import (
    MAX_OFFSET,
    MAX_ORIGINS,
    MAX_PARTITION,
    Origin,
    add,
    decode,
    encode,
    is_counted,
)

some = st.builds(Origin, st.integers(0, MAX_PARTITION), st.integers(0, MAX_OFFSET))


@given(st.lists(some, max_size=MAX_ORIGINS))
def test_decoding_gives_back_what_was_encoded(origins):
    assert decode(encode(tuple(origins), 8 * MAX_ORIGINS)) == tuple(origins)


@given(st.lists(some, max_size=MAX_ORIGINS), st.integers(-10, 100))
def test_the_last_used_ones_are_kept_when_there_is_no_room_for_all(origins, room):
    kept = decode(encode(tuple(origins), room))
    assert 8 * len(kept) <= max(room, 0)
    assert len(kept) == min(len(origins), max(room, 0) // 8)
    assert kept == tuple(origins[len(origins) - len(kept) :])


@given(st.lists(st.builds(Origin, st.integers(0, 3), st.integers(0, 9))))
def test_everything_up_to_the_highest_offset_of_a_partition_is_counted(added):
    origins: tuple[Origin, ...] = ()
    for origin in added:
        origins = add(origins, origin)
    highest = {
        partition: max((o.offset for o in added if o.partition == partition), default=-1)
        for partition in range(4)
    }
    for partition in range(4):
        for offset in range(10):
            expected = offset <= highest[partition]
            assert is_counted(origins, Origin(partition, offset)) is expected


def test_the_origin_that_was_not_used_for_the_longest_time_leaves_first():
    origins: tuple[Origin, ...] = ()
    for partition in range(MAX_ORIGINS):
        origins = add(origins, Origin(partition, 1))
    origins = add(origins, Origin(0, 2))
    origins = add(origins, Origin(99, 1))
    assert len(origins) == MAX_ORIGINS
    assert not is_counted(origins, Origin(1, 1)), "the least recently used one"
    assert is_counted(origins, Origin(0, 2))
