"""The request for a topic's id, byte by byte, and its answer."""

import asyncio
import struct
from io import BytesIO
from types import SimpleNamespace

import pytest
from aiokafka.errors import LeaderNotAvailableError

from fraud_app.kafka.topic_description import (
    UNKNOWN_ID,
    TopicDescription,
    TopicIdRequest,
    describe_topic,
)

ID = bytes(range(16))


def answer_of(error=0, topic_id=ID, partitions=2):
    """An answer of version 10, as `MetadataResponse.json` of Kafka draws it."""
    partition = b"".join(
        (
            struct.pack(">hiii", 0, 0, 1, 0),
            *[b"\x02" + struct.pack(">i", 1)] * 2,
            b"\x01",
            b"\x00",
        )
    )
    return b"".join(
        (
            struct.pack(">i", 0),
            b"\x02" + struct.pack(">i", 1) + b"\x05host" + struct.pack(">i", 9092) + b"\x00\x00",
            b"\x08cluster" + struct.pack(">i", 1),
            b"\x02" + struct.pack(">h", error) + b"\x04raw" + topic_id + b"\x00",
            bytes([partitions + 1]) + partition * partitions,
            struct.pack(">i", -(2**31)) + b"\x00",
            struct.pack(">i", -(2**31)) + b"\x00",
        )
    )


def app_with(send):
    """An application whose broker answers so."""

    async def metadata():
        return True

    cluster = SimpleNamespace(
        leader_for_partition=lambda tp: None, partitions_for_topic=lambda topic: {0, 1, 2}
    )
    client = SimpleNamespace(
        send=send, cluster=cluster, get_random_node=lambda: 1, force_metadata_update=metadata
    )
    producer = SimpleNamespace(client=client)
    return SimpleNamespace(producer=SimpleNamespace(_ensure_producer=lambda: producer))


def broker(**answer):
    async def send(node, request):
        prepared = request.prepare({3: (0, 13)})
        return prepared.RESPONSE_TYPE.decode(BytesIO(answer_of(**answer)))

    return app_with(send)


def test_the_request_asks_for_one_topic_and_creates_none():
    request = TopicIdRequest(["raw"]).prepare({3: (0, 13)})
    assert request.encode() == b"\x02" + UNKNOWN_ID + b"\x04raw\x00" + bytes(3) + b"\x00"
    assert request.build_request_header(7, "c").encode() == (
        struct.pack(">hhih", 3, 10, 7, 1) + b"c" + b"\x00"
    )


async def test_a_topic_is_described_by_its_id_and_its_partitions():
    assert await describe_topic(broker(), "raw") == TopicDescription(ID, 2)


async def test_a_topic_that_does_not_exist_is_none():
    assert await describe_topic(broker(error=3, topic_id=UNKNOWN_ID, partitions=0), "raw") is None


async def test_any_other_answer_is_an_error():
    with pytest.raises(LeaderNotAvailableError):
        await describe_topic(broker(error=5), "raw")


async def test_an_old_broker_has_no_ids():
    async def send(node, request):
        return request.prepare({3: (0, 9)})

    assert await describe_topic(app_with(send), "raw") == TopicDescription(UNKNOWN_ID, 3)


async def test_a_broker_that_does_not_answer_is_not_waited_for_longer_than_said(monkeypatch):
    monkeypatch.setattr("fraud_app.kafka.topic_description.ANSWER_S", 0.01)

    async def send(node, request):
        await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        await describe_topic(app_with(send), "raw")
