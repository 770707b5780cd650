"""The same job on Faust as its tutorial shows it: one event, one table entry and one send at a
time, with default settings.
"""

from __future__ import annotations

import sys
from typing import Any

import faust
import redis.asyncio as redis

from devtools.bench.peers.one_by_one import champion, decide, row_of, scoring_input_of
from tables.redis import cross_user_signals
from tables.user_row import encode

brokers, redis_url, source, sink, state_directory = sys.argv[1:6]
scorer, client = champion(), redis.from_url(redis_url)
observe = client.register_script(cross_user_signals.OBSERVE)

app = faust.App(
    "bench-naive-faust",
    broker=f"kafka://{brokers}",
    store="rocksdb://",
    datadir=state_directory,
    topic_partitions=4,
    web_enabled=False,
    consumer_auto_offset_reset="earliest",
    key_serializer="raw",
    value_serializer="raw",
)
raw = app.topic(
    source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
scored_topic = app.topic(
    sink, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
rows = app.Table(
    "rows",
    key_type=bytes,
    value_type=bytes,
    partitions=4,
    # RocksDB's own defaults take 2 GiB of cache and 192 MiB of memtables per open partition.
    options={
        "driver": "rocksdict",
        "write_buffer_size": 8 << 20,
        "block_cache_size": 32 << 20,
        "max_open_files": 256,
    },
)


@app.agent(raw)
async def score(stream: Any) -> None:
    """Decide one transaction after the other."""
    async for event in stream.events():
        message = event.message
        scoring_input = scoring_input_of(message.partition, message.offset, event.value)
        arguments = cross_user_signals.arguments([(scoring_input.event, scoring_input.user_hash)])
        ((shared),) = cross_user_signals.answers(await observe(args=arguments))
        key = b"u:" + event.key
        row, scored = decide(scoring_input, row_of(rows.get(key)), shared, scorer)
        rows[key] = encode(row)
        await scored_topic.send(
            key=event.key,
            value=scored,
            partition=message.partition,
            headers=dict(message.headers or ()),
        )


if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker", "-l", "warn"]
    app.main()
