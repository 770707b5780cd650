"""Where reading a partition begins."""

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from fraud_app.kafka.broker_offsets import oldest_offset, start_offset

RAW = TP("raw", 0)


def app(committed, oldest):
    """An application whose broker answers so, or with an error."""

    def answer(value):
        if isinstance(value, Exception):
            raise value
        return value

    async def committed_of(tp):
        assert isinstance(tp, TopicPartition)
        return answer(committed)

    async def earliest_offsets(tp):
        return {tp: answer(oldest)}

    async def call_thread(fun, *args):
        return await fun(*args)

    aiokafka = SimpleNamespace(committed=committed_of)
    thread = SimpleNamespace(call_thread=call_thread, _ensure_consumer=lambda: aiokafka)
    consumer = SimpleNamespace(_thread=thread, earliest_offsets=earliest_offsets)
    return SimpleNamespace(consumer=consumer)


@pytest.mark.parametrize(
    ("committed", "oldest", "start"),
    [
        (7, 3, 7),
        (0, 3, 0),
        (None, 3, 3),
        (KafkaConnectionError(), 3, None),
        (None, KafkaConnectionError(), None),
    ],
)
async def test_reading_begins_at_the_committed_offset_else_at_the_oldest(committed, oldest, start):
    assert await start_offset(app(committed, oldest), RAW) == start


async def test_while_the_broker_does_not_answer_the_oldest_offset_is_not_known():
    assert await oldest_offset(app(None, 4), RAW) == 4
    assert await oldest_offset(app(None, KafkaConnectionError()), RAW) is None
