"""The two ends of what is measured: transactions sent, and messages read back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

DRAIN_S = 180.0


class Reader:
    """Reads a topic back from now on, in a thread, and remembers when each id came."""

    def __init__(self, brokers: str, topic: str) -> None:
        self.came: dict[str, float] = {}
        self.messages: dict[str, tuple[int, bytes]] = {}
        """When its sender says that it sent it (ms since 1970), and the message."""
        self._ends = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "bench-reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "socket.nagle.disable": True,
            }
        )
        places = [
            TopicPartition(topic, number)
            for number in self._consumer.list_topics(topic).topics[topic].partitions
        ]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place)[1]
        self._consumer.assign(places)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._ends.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            now = time.perf_counter()
            headers: Any = message.headers()
            identity, value = dict(headers)["ce_id"].decode(), message.value()
            if identity not in self.came and value is not None:
                self.came[identity] = now
                self.messages[identity] = message.timestamp()[1], value

    def wait_for(self, count: int, seconds: float) -> None:
        """Return when so many came, or after so long."""
        deadline = time.perf_counter() + seconds
        while len(self.came) < count and time.perf_counter() < deadline:
            time.sleep(0.05)

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()
        self._consumer.close()


class Sender:
    """Sends transactions that were encoded before, keyed by user. The client is librdkafka: the
    load takes little of what it loads.
    """

    def __init__(self, brokers: str, topic: str, made: Sequence[dict[str, Any]]) -> None:
        self._topic = topic
        self._refused: Any = None
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "linger.ms": 0,
                "socket.nagle.disable": True,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": max(100_000, 2 * len(made)),
            }
        )
        self._producer.list_topics(topic)
        self._made = [
            (
                orjson.dumps(one),
                one["user_id"].encode(),
                [("ce_id", one["transaction_id"].encode())],
            )
            for one in made
        ]

    def send(self, number: int) -> None:
        value, key, headers = self._made[number]
        self._producer.produce(
            self._topic, value, key, headers=headers, on_delivery=self._delivered
        )
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has all. Raises `RuntimeError` when it does not take them."""
        if self._producer.flush(DRAIN_S) or self._refused:
            raise RuntimeError(
                f"the broker did not take all that was sent: {self._refused or 'no answer'}"
            )

    def _delivered(self, error: Any, message: Any) -> None:
        self._refused = error or self._refused
