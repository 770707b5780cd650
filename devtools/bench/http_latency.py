"""Latency and throughput of `POST /score` and `POST /score/batch`, from the request to the last
byte of its answer. Nothing is stored: scoring by HTTP changes no user row.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
import orjson

from devtools.bench.latency import (
    START_DELAY_S,
    LatencyResult,
    garbage_collector_off,
    summarize,
    transactions,
)

HTTP_RUN = 2000  # its day is later than that of any run between topics
WARM_UP_S = 2  # connections are opened
CONNECTIONS = 64
BATCH, BATCH_CLIENTS = 100, 4
_JSON = {"Content-Type": "application/json"}


async def measure_http_latency(
    contender: str, address: str, rate: float, seconds: float
) -> LatencyResult:
    """Post `rate` transactions per second; latency from the due moment to the answer's last byte.

    The first 2 s are not counted. Raises `aiohttp.ClientError` when a request fails.
    """
    count, warm_up_count = int(rate * (seconds + WARM_UP_S)), int(rate * WARM_UP_S)
    bodies = [orjson.dumps(transaction) for transaction in transactions(count, HTTP_RUN)]

    async def post_and_measure(session: aiohttp.ClientSession, body: bytes, due: float) -> float:
        await _post(session, address, body)
        return time.perf_counter() - due

    with garbage_collector_off():
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector) as session:
            started = time.perf_counter() + START_DELAY_S
            requests = []
            for number, body in enumerate(bodies):
                due = started + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                requests.append(asyncio.ensure_future(post_and_measure(session, body, due)))
            latencies_s = await asyncio.gather(*requests)
    return summarize(contender, rate, count, latencies_s[warm_up_count:])


async def measure_http_batches(address: str, seconds: float) -> dict[str, float]:
    """`POST /score/batch` by four clients that each ask again as soon as they are answered:
    transactions per second, and milliseconds per request.
    """
    sent = transactions(BATCH * 50, HTTP_RUN + 1)
    bodies = [
        orjson.dumps({"transactions": sent[start : start + BATCH]})
        for start in range(0, len(sent), BATCH)
    ]
    latencies_s: list[float] = []
    deadline = time.perf_counter() + seconds

    async def ask_again_and_again(session: aiohttp.ClientSession, client: int) -> None:
        while (asked := time.perf_counter()) < deadline:
            await _post(session, address, bodies[(client + len(latencies_s)) % len(bodies)])
            latencies_s.append(time.perf_counter() - asked)

    async with aiohttp.ClientSession() as session:
        clients = (ask_again_and_again(session, client) for client in range(BATCH_CLIENTS))
        await asyncio.gather(*clients)
    count = len(latencies_s) * BATCH
    result = summarize("score/batch", count / seconds, count, latencies_s)
    return {
        "per_request": BATCH,
        "transactions_per_s": result.rate,
        "p50_ms": result.p50,
        "p99_ms": result.p99,
    }


async def _post(session: aiohttp.ClientSession, address: str, body: bytes) -> None:
    async with session.post(address, data=body, headers=_JSON) as response:
        await response.read()
        response.raise_for_status()
