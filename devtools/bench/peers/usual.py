"""The usual design: FastAPI with an aiokafka consumer, the user's state in Redis, and one
PostgreSQL insert per transaction.

Each transaction is processed by itself: read the row, ask Redis five times, predict, insert, send,
write the row back.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import redis.asyncio as redis
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI, Request, Response

from devtools.bench.peers.one_by_one import (
    SklearnScorer,
    champion,
    decide,
    row_of,
    scoring_input_of,
)
from fraud_app.decisions.parse import ScoringInput
from fraud_app.postgres import transactions
from ml.profile.cross_user_signals import FIRST_SEEN_SPAN_MS, RATE_BUCKET_MS, merchant_rate
from ml.profile.event import Event, Signals
from ml.profile.windows import DAY_MS
from tables.user_row import encode

_COLUMNS = ", ".join(transactions.Row._fields)
_PARAMETERS = ", ".join(f"${number}" for number in range(1, len(transactions.Row._fields) + 1))
_INSERT = (
    f"INSERT INTO transactions ({_COLUMNS}) VALUES ({_PARAMETERS})"  # noqa: S608 - our own columns
    " ON CONFLICT (transaction_id, user_id) DO NOTHING"
)


class Worker:
    """Reads transactions, keeps its state in Redis, writes decisions to Kafka and PostgreSQL."""

    def __init__(self, brokers: str, redis_url: str, dsn: str, source: str, sink: str) -> None:
        self._brokers, self._dsn, self._source, self._sink = brokers, dsn, source, sink
        self._redis = redis.from_url(redis_url)
        self._scorer = champion(SklearnScorer)

    async def run(self) -> None:
        """Process the topic, one transaction after the other, until cancelled."""
        pool = await asyncpg.create_pool(self._dsn)
        consumer = AIOKafkaConsumer(
            self._source,
            bootstrap_servers=self._brokers,
            group_id="bench-usual",
            auto_offset_reset="earliest",
        )
        producer = AIOKafkaProducer(bootstrap_servers=self._brokers, acks="all")
        await consumer.start()
        await producer.start()
        async for message in consumer:
            scored = await self.score(
                scoring_input_of(message.partition, message.offset, message.value)
            )
            await pool.execute(_INSERT, *transactions.parse_row(scored))
            await producer.send_and_wait(
                self._sink,
                scored,
                key=message.key,
                partition=message.partition,
                headers=list(message.headers),
            )

    async def score(self, scoring_input: ScoringInput, *, keep: bool = True) -> bytes:
        """The scored message. `keep`: whether the transaction changes the state in Redis."""
        key = f"usual:{scoring_input.transaction.user_id}"
        stored: Any = await self._redis.get(key)
        row = row_of(stored)
        shared = await self._shared_signals(scoring_input, keep=keep)
        new_row, scored = decide(scoring_input, row, shared, self._scorer)
        if keep:
            await self._redis.set(key, encode(new_row))
        return scored

    async def _shared_signals(self, scoring_input: ScoringInput, *, keep: bool) -> Signals:
        """The signals across users, each with a request of its own."""
        event = scoring_input.event
        device, ip, card = [
            await self._count_users(f"shared:{kind}:{entity}", scoring_input, keep=keep)
            if entity
            else math.nan
            for kind, entity in (("d", event.device), ("i", event.ip), ("c", event.card))
        ]
        rate = await self._merchant_rate(event, keep=keep)
        return Signals(device, ip, card, rate)

    async def _count_users(self, key: str, scoring_input: ScoringInput, *, keep: bool) -> float:
        """How many users had this device, address or card for the first time in the span before."""
        received_ms = scoring_input.event.received_ms
        if keep:
            await self._redis.zadd(key, {str(scoring_input.user_hash): received_ms}, lt=True)
        since_ms = received_ms - FIRST_SEEN_SPAN_MS
        return float(await self._redis.zcount(key, since_ms, f"({received_ms}"))

    async def _merchant_rate(self, event: Event, *, keep: bool) -> float:
        """The merchant's recent transactions, compared with the day before."""
        base = f"shared:m:{event.merchant}:"
        bucket, day = event.received_ms // RATE_BUCKET_MS, event.received_ms // DAY_MS
        if keep:
            await self._redis.pfadd(f"{base}b{bucket}", str(event.id_hash))
            await self._redis.pfadd(f"{base}d{day}", str(event.id_hash))
        recent = await self._redis.pfcount(f"{base}b{bucket}", f"{base}b{bucket - 1}")
        yesterday = await self._redis.pfcount(f"{base}d{day - 1}")
        return merchant_rate(recent, yesterday)


def application(worker: Worker) -> FastAPI:
    """The HTTP server, with the worker as a background task."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(worker.run())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def ready() -> str:
        return "ready"

    @app.post("/score")
    async def score(request: Request) -> Response:
        scoring_input = scoring_input_of(0, 0, await request.body())
        scored = await worker.score(scoring_input, keep=False)
        return Response(scored, media_type="application/json")

    return app


def main(port: str, *worker_arguments: str) -> None:
    """Serve HTTP on the port and process the topic."""
    settings: dict[str, Any] = {"log_level": "warning", "loop": "uvloop"}
    uvicorn.run(
        application(Worker(*worker_arguments)), host="127.0.0.1", port=int(port), **settings
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
