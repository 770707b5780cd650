"""The lower bound: a plain aiokafka worker that reads a topic and sends everything on. It has no
features, no state and no decision.
"""

from __future__ import annotations

import sys

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def work(brokers: str, source: str, sink: str) -> None:
    """Read from `source`, send to `sink`, commit after the acknowledgement; for ever."""
    consumer = AIOKafkaConsumer(
        source,
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
        acknowledgements = [
            await producer.send(
                sink,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            for records in batches
            for record in records
        ]
        for acknowledgement in acknowledgements:
            await acknowledgement
        if acknowledgements:
            await consumer.commit()


if __name__ == "__main__":
    uvloop.run(work(*sys.argv[1:]))
