"""Whatever is dropped on the way, each record is processed in order and none is skipped."""

from bisect import bisect_left

from hypothesis import given, settings
from hypothesis import strategies as st

from fraud_app.kafka.ordering import Admission, OffsetOrder

END = 40
"""Of the log that a property reads."""


class Transport:
    """A log with offsets that hold no record, and a way on which pieces are dropped or come late.

    It ends when it has dropped enough: from then on all arrives.
    """

    def __init__(self, data, offsets, start):
        self.data, self.offsets, self.oldest = data, offsets, 0
        self.position = self.committed = start
        self.seeks = 0
        self.queue = []
        self.mischief = 30

    def _happens(self, what):
        self.mischief -= 1
        return self.mischief > 0 and self.data.draw(st.booleans(), label=what)

    def fetch(self):
        """Fetch a piece: it reaches the queue, or nobody."""
        if self._happens("Faust seeks back"):
            committed = self.data.draw(st.integers(self.committed, self.position), label="to")
            self.position = committed
        start = self.position = max(self.position, self.oldest)
        if start == END:
            return
        self.position = end = self.data.draw(st.integers(start + 1, END), label="end of the piece")
        if not self._happens(f"drop [{start}, {end})"):
            self.queue.append((start, end, self.seeks))

    def expire(self, at_most):
        if self._happens("expire"):
            self.oldest = self.data.draw(st.integers(self.oldest, at_most), label="oldest")

    def seek(self, offset):
        self.seeks += 1
        self.position = offset


@settings(max_examples=300)
@given(st.data())
def test_every_record_is_processed_in_order_whatever_is_dropped_on_the_way(data):
    """Holes anywhere: markers, aborted transactions, compaction. What expires before it was read
    cannot be processed; all else must be.
    """
    offsets = sorted(data.draw(st.sets(st.integers(0, END - 1)), label="offsets that exist"))
    start = data.draw(st.integers(0, END), label="committed")
    way, order = Transport(data, offsets, start), OffsetOrder()
    order.start_at("p", start)
    processed, expired = [], set()

    def pass_expired():
        expected = order.expected("p")
        if way.oldest <= expected:
            return False
        expired.update(range(expected, way.oldest))
        order.passed("p", way.oldest)
        return True

    def read_again():
        if not pass_expired():
            way.seek(order.expected("p"))
            order.reread("p", way.seeks)

    for _ in range(500):
        way.expire(order.expected("p") + 5 if order.expected("p") + 5 < END else END)
        way.fetch()
        late = len(way.queue) > 1 and data.draw(st.booleans(), label="the agent is late")
        while way.queue and not late:
            first, end, seek = way.queue[0]
            admission = order.admit("p", first, seek)
            if admission is Admission.PROCESS:
                processed += offsets[bisect_left(offsets, first) : bisect_left(offsets, end)]
                order.passed("p", end)
            elif admission is Admission.REREAD and pass_expired():
                continue
            elif admission is Admission.REREAD:
                way.seek(order.expected("p"))
                order.reread("p", way.seeks)
            way.queue.pop(0)
        if not way.queue and way.position > order.expected("p"):  # silence
            read_again()
        if order.expected("p") == END:
            break
    assert order.expected("p") == END, "there is progress"
    firsts = list(dict.fromkeys(processed))
    assert firsts == sorted(firsts)
    assert set(firsts) | expired >= {offset for offset in offsets if offset >= start}


def test_a_piece_that_was_on_its_way_before_the_seek_is_no_reason_for_another_one():
    order = OffsetOrder()
    order.start_at("p", 3)
    assert order.admit("p", 9, seek=0) is Admission.REREAD
    order.reread("p", seek=1)
    assert [order.admit("p", start, seek=0) for start in (12, 15)] == [Admission.DROP] * 2
    assert order.admit("p", 9, seek=1) is Admission.REREAD, "that one was dropped, too"


def test_a_piece_of_an_earlier_assignment_is_read_again():
    order = OffsetOrder()
    order.start_at("p", 3)
    assert order.refuse("p", seek=0) is Admission.REREAD
    order.reread("p", seek=1)
    assert order.refuse("p", seek=0) is Admission.DROP
    assert order.admit("p", 3, seek=1) is Admission.PROCESS


def test_offsets_that_hold_no_record_are_no_gap():
    order = OffsetOrder()
    order.start_at("p", 5)
    order.passed("p", 20)  # a piece whose last record was at 7
    assert order.admit("p", 20, seek=0) is Admission.PROCESS


def test_what_comes_again_is_processed_again_and_nothing_after_it_may_be_missing():
    """Faust reads again from the committed offset, or the topic was made anew."""
    order = OffsetOrder()
    order.start_at("p", 5)
    assert order.admit("p", 2, seek=0) is Admission.PROCESS
    order.passed("p", 3)
    assert order.admit("p", 4, seek=0) is Admission.REREAD
    assert order.expected("p") == 3


def test_a_new_assignment_begins_from_scratch():
    order = OffsetOrder()
    order.start_at("p", 5)
    order.reread("p", seek=9)
    order.reset()
    assert "p" not in order
    order.start_at("p", 5)
    assert order.admit("p", 8, seek=3) is Admission.REREAD
