"""The two ends of a measurement: `Sender` sends transactions, `Reader` reads the decisions back.

Both use librdkafka, which takes little CPU time from the system that is measured.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

DRAIN_S = 180.0
"""The longest wait for what is still on its way; the slowest contender needs minutes."""


class Route(NamedTuple):
    """The broker, and the two topics between which a contender works."""

    brokers: str
    source: str
    """The topic with the transactions."""
    sink: str
    """The topic with the decisions."""


class Reader:
    """Reads a topic from its end on, in a thread, and remembers when each transaction id was read.

    Of a message that is repeated only the first counts.
    """

    def __init__(self, brokers: str, topic: str) -> None:
        self.read_at: dict[str, float] = {}
        """By transaction id, in seconds of `time.perf_counter`."""
        self.messages: dict[str, tuple[int, bytes]] = {}
        """The time of sending as the sender stamped it (ms since 1970), and the message."""
        self._stopping = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "bench-reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "socket.nagle.disable": True,
            }
        )
        partitions = [
            TopicPartition(topic, number)
            for number in self._consumer.list_topics(topic).topics[topic].partitions
        ]
        for partition in partitions:
            partition.offset = self._consumer.get_watermark_offsets(partition)[1]
        self._consumer.assign(partitions)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stopping.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            now = time.perf_counter()
            headers: Any = message.headers()
            transaction_id, value = dict(headers)["ce_id"].decode(), message.value()
            if transaction_id not in self.read_at and value is not None:
                self.read_at[transaction_id] = now
                self.messages[transaction_id] = message.timestamp()[1], value

    def wait_for(self, count: int, seconds: float) -> None:
        """Return when `count` decisions were read, or after `seconds`."""
        deadline = time.perf_counter() + seconds
        while len(self.read_at) < count and time.perf_counter() < deadline:
            time.sleep(0.05)

    def stop(self) -> None:
        """End the thread and close the consumer."""
        self._stopping.set()
        self._thread.join()
        self._consumer.close()


class Sender:
    """Sends transactions that are encoded beforehand, with the user id as key."""

    def __init__(self, brokers: str, topic: str, transactions: Sequence[dict[str, Any]]) -> None:
        self._topic = topic
        self._error: Any = None
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "linger.ms": 0,
                "socket.nagle.disable": True,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": max(100_000, 2 * len(transactions)),
            }
        )
        self._producer.list_topics(topic)  # connects, so that the first send is not late
        self._encoded = [
            (
                orjson.dumps(transaction),
                transaction["user_id"].encode(),
                [("ce_id", transaction["transaction_id"].encode())],
            )
            for transaction in transactions
        ]

    def send(self, number: int) -> None:
        """Send the transaction with this index; does not wait for the broker."""
        value, key, headers = self._encoded[number]
        self._producer.produce(
            self._topic, value, key, headers=headers, on_delivery=self._on_delivery
        )
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has acknowledged all. Raises `RuntimeError` when it does not."""
        if self._producer.flush(DRAIN_S) or self._error:
            raise RuntimeError(
                f"the broker did not take all that was sent: {self._error or 'no answer'}"
            )

    def _on_delivery(self, error: Any, message: Any) -> None:
        self._error = error or self._error
