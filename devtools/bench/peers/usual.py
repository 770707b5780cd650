"""The usual design: FastAPI with an aiokafka consumer, the user's state in Redis, one PostgreSQL
insert a transaction.

Each transaction is done by itself: read the row, five questions to Redis, predict, insert, send,
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

from devtools.bench.peers.one_by_one import SklearnScorer, champion, decided, payment_of, row_of
from fraud_app.decisions.parse import ScoringInput
from fraud_app.postgres import transactions
from ml.profile.cross_user_signals import FIRST_SEEN_SPAN_MS, RATE_BUCKET_MS, merchant_rate
from ml.profile.event import Signals
from ml.profile.windows import DAY_MS
from tables.user_row import encode

_INSERT = (
    "INSERT INTO transactions ({}) VALUES ({}) ON CONFLICT (transaction_id) DO NOTHING".format(  # noqa: S608 - our own columns
        ", ".join(transactions.Row._fields),
        ", ".join(f"${place}" for place in range(1, len(transactions.Row._fields) + 1)),
    )
)


class Worker:
    """State in Redis, decisions to Kafka and PostgreSQL."""

    def __init__(self, brokers: str, redis_url: str, dsn: str, into: str, out: str) -> None:
        self._brokers, self._dsn, self._into, self._out = brokers, dsn, into, out
        self._redis = redis.from_url(redis_url)
        self._scorer = champion(SklearnScorer)

    async def run(self) -> None:
        pool = await asyncpg.create_pool(self._dsn)
        consumer = AIOKafkaConsumer(
            self._into,
            bootstrap_servers=self._brokers,
            group_id="bench-usual",
            auto_offset_reset="earliest",
        )
        producer = AIOKafkaProducer(bootstrap_servers=self._brokers, acks="all")
        await consumer.start()
        await producer.start()
        async for message in consumer:
            payment = payment_of(message.partition, message.offset, message.value)
            scored = await self.score(payment)
            await pool.execute(_INSERT, *transactions.row_of(scored))
            await producer.send_and_wait(
                self._out,
                scored,
                key=message.key,
                partition=message.partition,
                headers=list(message.headers),
            )

    async def score(self, payment: ScoringInput, *, keep: bool = True) -> bytes:
        key = f"usual:{payment.transaction.user_id}"
        row = row_of(await self._redis.get(key))
        shared = await self._shared(payment, keep=keep)
        following, scored = decided(payment, row, shared, self._scorer)
        if keep:
            await self._redis.set(key, encode(following))
        return scored

    async def _shared(self, payment: ScoringInput, *, keep: bool) -> Signals:
        event = payment.event
        counts: list[float] = []
        for kind, hashed in (("d", event.device), ("i", event.ip), ("c", event.card)):
            if not hashed:
                counts.append(math.nan)
                continue
            key = f"shared:{kind}:{hashed}"
            if keep:
                await self._redis.zadd(key, {str(payment.user_hash): event.received_ms}, lt=True)
            since = event.received_ms - FIRST_SEEN_SPAN_MS
            counts.append(float(await self._redis.zcount(key, since, f"({event.received_ms}")))
        base = f"shared:m:{event.merchant}:"
        bucket, day = event.received_ms // RATE_BUCKET_MS, event.received_ms // DAY_MS
        if keep:
            await self._redis.pfadd(f"{base}b{bucket}", str(event.id_hash))
            await self._redis.pfadd(f"{base}d{day}", str(event.id_hash))
        recent = await self._redis.pfcount(f"{base}b{bucket}", f"{base}b{bucket - 1}")
        yesterday = await self._redis.pfcount(f"{base}d{day - 1}")
        device, ip, card = counts
        return Signals(device, ip, card, merchant_rate(recent, yesterday))


def application(worker: Worker) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        working = asyncio.create_task(worker.run())
        yield
        working.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def ready() -> str:
        return "ready"

    @app.post("/score")
    async def score(request: Request) -> Response:
        scored = await worker.score(payment_of(0, 0, await request.body()), keep=False)
        return Response(scored, media_type="application/json")

    return app


def main(port: str, *where: str) -> None:
    settings: dict[str, Any] = {"log_level": "warning", "loop": "uvloop"}
    uvicorn.run(application(Worker(*where)), host="127.0.0.1", port=int(port), **settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
