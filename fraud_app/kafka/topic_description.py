"""The identity of a topic: a topic that is deleted and created anew has another id.

aiokafka reads metadata up to version 5, which has no ids; version 10 (Kafka 2.8, KIP-516) has them.
Nothing here may create a topic.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, NamedTuple, cast

import faust
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.errors import UnknownTopicOrPartitionError as UnknownTopic
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from fraud_app.kafka.producer import client_of

ID_BYTES = 16
UNKNOWN_ID = bytes(ID_BYTES)
"""Of a broker before Kafka 2.8, which has no ids."""
ANSWER_S = 5.0
"""Longest wait for the broker."""


class TopicDescription(NamedTuple):
    id: bytes
    """16 bytes; `UNKNOWN_ID` when the broker has none."""
    partitions: int


async def describe_topic(app: faust.App, topic: str, partition: int = 0) -> TopicDescription | None:
    """What the leader of a partition says of a topic; None when the topic does not exist.

    The leader created the partition's log, so it knows the new id before any record of the new log
    can be read. Raises `KafkaError`, `NotReady` or `TimeoutError` when no broker answers.
    """
    client = client_of(app)
    async with asyncio.timeout(ANSWER_S):
        node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        if node in (None, -1):
            await client.force_metadata_update()
            node = client.get_random_node()
        try:
            answer = await client.send(node, TopicIdRequest([topic]))
        except NotImplementedError:  # how aiokafka says that the broker is too old
            count = len(client.cluster.partitions_for_topic(topic) or ())
            return TopicDescription(UNKNOWN_ID, count) if count else None
    [described] = answer.to_object()["topics"]
    error = for_code(described["error_code"])
    if error is UnknownTopic:
        return None
    if described["error_code"]:
        raise cast(type[KafkaError], error)()
    return TopicDescription(described["topic_id"], len(described["partitions"]))


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: Any) -> bytes:
        return cast(bytes, data.read(ID_BYTES))


_NAME = CompactString("utf-8")


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", _NAME),
                ("port", Int32),
                ("rack", _NAME),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", _NAME),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", _NAME),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _NAME), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdRequest(Request[_MetadataRequest]):  # type: ignore[misc]
    """A metadata request for topics by name, which creates none."""

    API_KEY: ClassVar[int] = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequest]) -> _MetadataRequest:
        topics: list[Any] = [(UNKNOWN_ID, topic, {}) for topic in self._topics]
        return request_struct_class(topics, False, False, False, {})
