"""Whatever is dropped on the way, each record is processed in order and none is skipped."""

from hypothesis import given
from hypothesis import strategies as st

from fraud_app.kafka.ordering import MAX_REREADS, Admission, OffsetOrder


@given(st.data())
def test_every_record_is_processed_in_order_whatever_is_dropped_on_the_way(data):
    """A reader of a log with gaps (expired records), whose transport drops records at any time."""
    log = sorted(data.draw(st.sets(st.integers(0, 40), min_size=1), label="offsets that exist"))
    order = OffsetOrder()
    order.start_at("p", data.draw(st.integers(0, log[0]), label="committed"))
    firsts: list[int] = []
    position = 0
    drops = 0
    for _ in range(2000):
        index = next((index for index, offset in enumerate(log) if offset >= position), None)
        if index is None:
            if not order.awaiting_reread():
                break
            position = order.expected("p")
            continue
        offset, position = log[index], log[index] + 1
        is_last = index == len(log) - 1
        if (
            not is_last
            and drops < MAX_REREADS - 1
            and data.draw(st.booleans(), label=f"drop {offset}")
        ):
            drops += 1
            continue
        admission = order.admit("p", offset)
        if admission is Admission.SEEK:
            position = order.expected("p")
        elif admission is Admission.PROCESS and offset not in firsts:
            firsts.append(offset)
    assert firsts == log


def test_a_record_of_an_earlier_assignment_is_read_again():
    order = OffsetOrder()
    order.start_at("p", 3)
    assert order.refuse("p", 9) is Admission.SEEK
    assert order.refuse("p", 10) is Admission.DROP
    assert [order.admit("p", offset) for offset in (3, 4)] == [Admission.PROCESS] * 2


def test_an_earlier_record_is_processed_again_and_moves_nothing_back():
    order = OffsetOrder()
    order.start_at("p", 5)
    order.admit("p", 5)
    assert order.admit("p", 2) is Admission.PROCESS
    assert order.expected("p") == 6


def test_a_new_assignment_begins_from_scratch():
    order = OffsetOrder()
    order.start_at("p", 5)
    order.reset()
    assert "p" not in order
