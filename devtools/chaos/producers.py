"""Producers that differ as those of strangers do: in partitioner, compression, transactions and
way in. Each sends its transactions until the broker or the API has confirmed them.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException, Producer

from fraud_app.topics import RAW

BATCH = 20
"""Transactions that are sent together, and again together when one of them was not confirmed. Fewer
than a user's row remembers ids.
"""
FLUSH_S = 5.0
RETRY_S = 0.5
POISON = (b"{not json %d", b'{"transaction_id":"p%d"}', b"\xff\xfe %d", b"[%d]", b'"%d"')
"""Records that are no transactions, with a number: each must become a dead letter."""

Transactions = Sequence[dict[str, Any]]


class Load:
    """The transactions of one producer, so many a second, until it is told to stop."""

    def __init__(self, transactions: Transactions, rate: float, stopping: asyncio.Event) -> None:
        self._transactions, self._rate, self._stopping = transactions, rate, stopping
        self.confirmed: list[dict[str, Any]] = []
        self.poison: list[bytes] = []
        """Confirmed records that are no transactions."""

    async def batches(self) -> AsyncIterator[Transactions]:
        """Batches at their time; one is confirmed when the next is asked for. After an outage it
        does not hurry.
        """
        next_at = time.monotonic()
        for start in range(0, len(self._transactions), BATCH):
            batch = self._transactions[start : start + BATCH]
            next_at = max(next_at + len(batch) / self._rate, time.monotonic())
            await asyncio.sleep(next_at - time.monotonic())
            if self._stopping.is_set():
                return
            yield batch
            self.confirmed += batch


async def by_http(addresses: Sequence[str], load: Load) -> None:
    """`POST /api/transactions` in turn to each worker, again and elsewhere until it is accepted."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:

        async def send(number: int, transaction: dict[str, Any]) -> None:
            while True:
                address = addresses[number % len(addresses)]
                try:
                    async with session.post(f"{address}api/transactions", json=transaction) as got:
                        if got.status in (200, 202):
                            return
                        if got.status < 500 and got.status != 429:
                            raise RuntimeError(f"{got.status}: {await got.text()}")
                except (aiohttp.ClientError, TimeoutError):
                    pass
                number += 1
                await asyncio.sleep(RETRY_S)

        async for batch in load.batches():
            await asyncio.gather(*(send(number, each) for number, each in enumerate(batch)))


async def by_java_defaults(brokers: str, load: Load) -> None:
    """Kafka's own partitioner, by aiokafka, with gzip, and poison after each batch."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", compression_type="gzip", enable_idempotence=True
    )
    await producer.start()
    try:
        async for batch in load.batches():

            async def send(batch: Transactions = batch) -> None:
                sent = [
                    await producer.send(RAW, orjson.dumps(each), key=each["user_id"].encode())
                    for each in batch
                ]
                await asyncio.gather(*sent)

            await _until_confirmed(send)
            number = len(load.poison)
            poison = POISON[number % len(POISON)] % number
            await _until_confirmed(partial(producer.send_and_wait, RAW, poison, key=b"poison"))
            load.poison.append(poison)
    finally:
        await producer.stop()


async def by_librdkafka(brokers: str, load: Load, codec: str, partitioner: str) -> None:
    """confluent-kafka with one of its codecs and partitioners: CRC32 is its default."""
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "acks": "all",
            "compression.type": codec,
            "partitioner": partitioner,
            "message.timeout.ms": 300_000,
        }
    )
    async for batch in load.batches():
        for each in batch:
            producer.produce(RAW, orjson.dumps(each), key=each["user_id"])
        while await asyncio.to_thread(producer.flush, FLUSH_S):
            pass


async def by_kafka_transactions(brokers: str, load: Load) -> None:
    """Kafka transactions: every fifth is aborted, and what it held is sent in another one."""
    producer = _transactional(brokers)
    await asyncio.to_thread(producer.init_transactions, 60.0)
    number = 0
    async for batch in load.batches():
        number += 1

        async def send(batch: Transactions = batch, number: int = number) -> None:
            nonlocal producer
            try:
                if number % 5 == 0:
                    strangers = [
                        {**each, "transaction_id": f"aborted-{each['transaction_id']}"}
                        for each in batch
                    ]
                    await asyncio.to_thread(_in_transaction, producer, strangers, False)
                await asyncio.to_thread(_in_transaction, producer, batch, True)
            except KafkaException:
                producer = _transactional(brokers)
                await asyncio.to_thread(producer.init_transactions, 60.0)
                raise

        await _until_confirmed(send)


def _transactional(brokers: str) -> Producer:
    return Producer({"bootstrap.servers": brokers, "transactional.id": f"chaos-{uuid.uuid4().hex}"})


def _in_transaction(producer: Producer, batch: Transactions, commit: bool) -> None:
    producer.begin_transaction()
    for each in batch:
        producer.produce(RAW, orjson.dumps(each), key=each["user_id"])
    if commit:
        producer.commit_transaction(60.0)
    else:
        producer.flush(FLUSH_S)
        producer.abort_transaction(60.0)


async def _until_confirmed(send: Callable[[], Awaitable[Any]]) -> None:
    while True:
        try:
            await send()
        except (KafkaError, KafkaException):
            await asyncio.sleep(RETRY_S)
        else:
            return
