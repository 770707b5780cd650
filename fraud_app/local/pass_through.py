"""The benchmark's peer: a plain aiokafka worker that reads a topic and sends everything on."""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from fraud_app.local.process import Process
from fraud_app.settings import ROOT

INTO, OUT = "bench.in", "bench.out"


async def work(brokers: str) -> None:
    """The peer: read, send on, commit after the broker has it. No features, no state, no decision."""
    consumer = AIOKafkaConsumer(
        INTO,
        bootstrap_servers=brokers,
        group_id="bench-plain",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all")
    await consumer.start()
    await producer.start()
    while True:
        for records in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
            await asyncio.gather(
                *[
                    await producer.send(OUT, one.value, key=one.key, partition=one.partition, headers=list(one.headers))
                    for one in records
                ]
            )
        await consumer.commit()


def start(brokers: str) -> Process:
    """Start it as a process."""
    return Process(
        "plain", [sys.executable, "-m", "fraud_app.local.pass_through", brokers], ROOT / ".fraud" / "bench" / "logs" / "plain.log",
        env={"PYTHONPATH": str(ROOT)}, cwd=ROOT,
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
