"""A floor: a plain aiokafka worker that reads a topic and sends everything on. No features, no
state, no decision.
"""

from __future__ import annotations

import sys

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def work(brokers: str, into: str, out: str) -> None:
    """Read, send on, commit after the broker has it."""
    consumer = AIOKafkaConsumer(
        into,
        bootstrap_servers=brokers,
        group_id="bench-pass-through",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await consumer.start()
    await producer.start()
    while True:
        batches = (await consumer.getmany(timeout_ms=200, max_records=500)).values()
        sends = [
            await producer.send(
                out, one.value, key=one.key, partition=one.partition, headers=list(one.headers)
            )
            for records in batches
            for one in records
        ]
        for sent in sends:
            await sent
        if sends:
            await consumer.commit()


if __name__ == "__main__":
    uvloop.run(work(*sys.argv[1:]))
