"""A partition whose topic was made anew is committed from its beginning on."""

from types import SimpleNamespace

from faust.types import TP

from fraud_app.kafka.done_offsets import DoneOffsets
from fraud_app.kafka.rewind import commit_anew, read_from_beginning

RAW = TP("raw", 0)


class Consumer:
    """A consumer that did everything before 3000, and has committed it."""

    def __init__(self):
        self.done, self._committed_offset, self.committed, self.sought = DoneOffsets(), {}, [], []
        self.done.start_at(RAW, 3000)
        self.seeks, self.rewound = 0, {}
        self._thread = SimpleNamespace(commit=self._commit)

    async def _commit(self, offsets):
        self.committed.append(offsets)
        return True

    async def commit(self):
        self.committed.append({RAW: self.done.of(RAW)})

    async def earliest_offsets(self, tp):
        return {tp: 2}

    async def seek(self, tp, offset):
        self.seeks += 1
        self.sought.append((tp, offset))

    def assignment(self):
        return {RAW}


async def test_a_lower_offset_is_committed_last_and_later_ones_follow_from_it():
    consumer = Consumer()
    assert await commit_anew(SimpleNamespace(consumer=consumer), RAW, 2)
    assert consumer.committed == [{RAW: 3000}, {RAW: 2}]
    assert consumer._committed_offset == {RAW: 2}
    consumer.done.record_done(RAW, 2)
    assert consumer.done.of(RAW) == 3


async def test_only_a_partition_that_is_read_here_is_read_from_its_beginning():
    consumer = Consumer()
    app = SimpleNamespace(consumer=consumer)
    await read_from_beginning(app, RAW)
    await read_from_beginning(app, TP("raw", 1))
    assert consumer.sought == [(RAW, 2)]
    assert consumer.rewound == {RAW: (2, 1)}, "what was fetched before this seek is dropped"
