"""When a topic that was made anew is noticed, and what is done about it."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import source_epochs
from agents.source_epochs import SourceEpochs
from fraud_app.kafka.topic_description import TopicDescription
from tables.source_topic import SourceTopic, decode, encode

A, B = b"a" * 16, b"b" * 16


def record(partition, offset):
    return SimpleNamespace(partition=partition, offset=offset)


class World:
    """A table, a broker and a consumer that note in order what was done."""

    def __init__(self, monkeypatch, *, stored, topic_id, beginning=0):
        self.done, self.owned = [], True
        self.sources = {0: encode(stored)} if stored else {}
        topic = topic_id and TopicDescription(topic_id, 4)

        async def describe_topic(app, name, partition):
            return topic

        async def beginning_of(app, tp):
            return beginning

        async def read_from_beginning(app, tp):
            self.done.append("read from the beginning")

        async def commit_anew(app, tp, offset):
            self.done.append(f"commit {offset}")
            return self.owned

        for function in (describe_topic, beginning_of, read_from_beginning, commit_anew):
            monkeypatch.setattr(source_epochs, function.__name__, function)
        monkeypatch.setattr(source_epochs, "ProduceBatch", lambda app: self)
        self.epochs = SourceEpochs(None, self, 0)

    def read_source(self, partition):
        return self.sources.get(partition)

    def write_source(self, partition, data):
        self.sources[partition] = data

    async def send_source(self, produce, partition, data):
        self.done.append(f"store {decode(data).epoch}")

    async def acknowledged(self):
        return {}

    def rows_sent(self, offsets):
        pass

    async def begin(self, offset):
        async def in_flight_empty():
            self.done.append("wait")

        await self.epochs.begin(
            record(0, offset),
            in_flight_empty,
            lambda partition, offset: self.done.append(f"restart at {offset}"),
        )
        return self.epochs.epochs[0]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=30))
def test_the_pieces_are_the_batch_and_each_begins_where_a_partition_does(pairs):
    epochs = SourceEpochs(None, None, 0)
    records = [record(*pair) for pair in pairs]
    pieces = list(epochs.pieces(records))
    assert [each for piece in pieces for each in piece.records] == records
    last = {}
    for piece in pieces:
        for index, each in enumerate(piece.records):
            goes_on = each.offset > last.get(each.partition, each.offset)
            assert goes_on == (piece.begins is not each), (index, pairs)
            last[each.partition] = each.offset


def test_a_batch_that_goes_on_is_one_piece_and_nobody_is_asked():
    epochs = SourceEpochs(None, None, 0)
    list(epochs.pieces([record(0, 5), record(1, 8)]))
    [piece] = epochs.pieces([record(0, 6), record(0, 7), record(1, 12)])
    assert piece.begins is None
    epochs.start_partition(1)
    first, second = epochs.pieces([record(0, 8), record(1, 13)])
    assert (first.begins, second.begins.offset) == (None, 13)


async def test_the_topic_that_was_there_keeps_its_epoch(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=A)
    assert await world.begin(70) == 2
    assert world.done == []


async def test_the_first_topic_is_noted(monkeypatch):
    world = World(monkeypatch, stored=None, topic_id=A)
    assert await world.begin(0) == 0
    assert decode(world.sources[0]) == SourceTopic(0, A)


async def test_a_topic_made_anew_raises_the_epoch_at_its_first_record(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B)
    assert await world.begin(0) == 3
    assert world.done == ["wait", "commit 0", "restart at 0", "store 3"], (
        "a crash in between must find the topic anew, and never skip its records"
    )


async def test_reading_that_began_in_its_middle_goes_back_before_the_epoch_is_raised(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B, beginning=4)
    assert await world.begin(9) == 2
    assert world.done == ["read from the beginning"]
    [piece] = world.epochs.pieces([record(0, 4)])
    assert await world.begin(piece.begins.offset) == 3


async def test_nothing_is_decided_of_a_partition_until_it_is_read_from_its_beginning(monkeypatch):
    """In the old epoch an offset may be that of another transaction, whose decision waits."""
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B)
    batch = [record(0, 9), record(1, 5), record(0, 10)]

    async def decided_after_begin(offset):
        next(world.epochs.pieces(batch))
        await world.begin(offset)
        return world.epochs.decidable(batch)

    assert await decided_after_begin(9) == [batch[1]]
    assert await decided_after_begin(0) == batch
    world.owned = False
    world.sources[0] = encode(SourceTopic(2, A))
    assert await decided_after_begin(0) == [batch[1]], "it has moved"


async def test_records_that_were_read_twice_before_going_back_do_not_begin_the_epoch(monkeypatch):
    """Offsets 20 to 59 twice in one batch: decided so, those before 20 would count as done."""
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B)
    decided = []
    batch = [record(0, offset) for offset in (20, 59, 20, 59)]
    for piece in world.epochs.pieces(batch):
        decided += await decided_of(world, piece)
    for piece in world.epochs.pieces([record(0, 0), record(0, 59)]):
        decided += await decided_of(world, piece)
    assert [each.offset for each in decided] == [0, 59]
    assert world.done == ["read from the beginning", "wait", "commit 0", "restart at 0", "store 3"]


async def decided_of(world, piece):
    if piece.begins is not None:
        await world.begin(piece.begins.offset)
    return world.epochs.decidable(piece.records)


async def test_a_topic_that_begins_with_no_record_is_read_from_its_beginning_once(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B, beginning=0)
    assert await world.begin(1) == 2
    [piece] = world.epochs.pieces([record(0, 1)])
    assert await world.begin(piece.begins.offset) == 3
    assert world.done[0] == "read from the beginning"
    assert world.done[1:] == ["wait", "commit 1", "restart at 1", "store 3"]


async def test_a_partition_that_has_moved_is_left_to_its_next_owner(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B)
    world.owned = False
    assert await world.begin(0) == 2
    assert decode(world.sources[0]) == SourceTopic(2, A)


async def test_an_assignment_in_between_starts_anew(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=B, beginning=0)
    await world.begin(7)
    world.epochs.start_partition(0)
    [piece] = world.epochs.pieces([record(0, 9)])
    assert await world.begin(piece.begins.offset) == 2, "this may be in the middle again"
    assert world.done == ["read from the beginning"] * 2


async def test_a_record_of_a_topic_that_is_deleted_belongs_to_its_epoch(monkeypatch):
    world = World(monkeypatch, stored=SourceTopic(2, A), topic_id=None)
    assert await world.begin(0) == 2
    assert world.done == []


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, ["store 0"]),
        (SourceTopic(2, A), ["read from the beginning"]),
        (SourceTopic(2, B), []),
    ],
)
async def test_a_quiet_partition_is_looked_at_as_well(monkeypatch, stored, expected):
    world = World(monkeypatch, stored=stored, topic_id=B)
    await world.epochs.look_at(0, B)
    assert world.done == expected
