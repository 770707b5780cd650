"""The same job on Faust as its tutorial has it: one event, one table entry, one send, default
settings.
"""

from __future__ import annotations

import sys
from typing import Any

import faust
import redis.asyncio as redis

from devtools.bench.peers.one_by_one import champion, decided, payment_of, row_of
from tables.redis import cross_user_signals
from tables.user_row import encode

brokers, redis_url, into, out, state = sys.argv[1:6]
scorer, client = champion(), redis.from_url(redis_url)
observe = client.register_script(cross_user_signals.OBSERVE)

app = faust.App(
    "bench-naive-faust",
    broker=f"kafka://{brokers}",
    store="rocksdb://",
    datadir=state,
    topic_partitions=4,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
    key_serializer="raw",
    value_serializer="raw",
)
raw = app.topic(
    into, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
scored_topic = app.topic(
    out, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
rows = app.Table(
    "rows",
    key_type=bytes,
    value_type=bytes,
    partitions=4,
    options={
        "driver": "rocksdict",
        "write_buffer_size": 8 << 20,
        "block_cache_size": 32 << 20,
        "max_open_files": 256,
    },
)


@app.agent(raw)
async def score(stream: Any) -> None:
    async for event in stream.events():
        message = event.message
        payment = payment_of(message.partition, message.offset, event.value)
        ((shared),) = cross_user_signals.answers(
            await observe(args=cross_user_signals.arguments([(payment.event, payment.user_hash)]))
        )
        key = b"u:" + event.key
        following, scored = decided(payment, row_of(rows.get(key)), shared, scorer)
        rows[key] = encode(following)
        await scored_topic.send(
            key=event.key,
            value=scored,
            partition=message.partition,
            headers=dict(message.headers or ()),
        )


if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker", "-l", "warn"]
    app.main()
