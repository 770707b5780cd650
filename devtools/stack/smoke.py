"""The demo's own check: 200 transactions in by HTTP, each decided, stored, fed and mirrored once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp

from ml.simulator import Population, simulate

COUNT = 200
STORED_S = 20.0


def check(address: str, say: Callable[[str], None]) -> int:
    """0 when nothing is missing, else 1."""
    return asyncio.run(_check(address, say))


async def _check(address: str, say: Callable[[str], None]) -> int:
    traffic = [
        one.transaction
        for one in simulate(
            Population(3, 5_000), datetime.now(UTC), 1, count=COUNT, fraud_share=0.1
        )
    ]
    for one in traffic:
        one["occurred_at"] = datetime.now(UTC).isoformat()
    missing = []
    async with aiohttp.ClientSession(address) as session:
        started = time.monotonic()
        decided = [await _submit(session, one) for one in traffic]
        seconds = time.monotonic() - started
        decisions = [one["decision"] for one in decided if "decision" in one]
        told = ", ".join(
            f"{decisions.count(name)} {name}" for name in ("approve", "review", "block")
        )
        say(
            f"{len(decisions)} of {COUNT} decided: {told}; {seconds / COUNT * 1000:.1f} ms a round trip"
        )
        if len(decisions) < COUNT:
            missing.append("decisions")
        latencies = sorted(one["latency_ms"]["total"] for one in decided if "latency_ms" in one)
        if latencies:
            say(
                f"latency p50 {latencies[len(latencies) // 2]:.1f} ms, p99 {latencies[int(len(latencies) * 0.99)]:.1f} ms"
            )
        stats: dict[str, Any] = await _until(
            lambda: _get(session, "/api/transactions/stats?window=5m"),
            lambda one: one["transactions"] == COUNT,
        )
        say(f"{stats['transactions']} stored and counted in PostgreSQL")
        if stats["transactions"] != COUNT:
            missing.append("stored transactions")
        health = await _get(session, "/health")
        say(
            "health: "
            + ", ".join(f"{name} {one['status']}" for name, one in health["checks"].items())
        )
        if health["status"] != "ok":
            missing.append("health")
        async with session.ws_connect("/ws?since=0-0") as feed:
            fed: set[str] = set()
            with suppress(TimeoutError):
                while len(fed) < COUNT:
                    frame = await feed.receive_json(timeout=5)
                    fed.update(item["data"]["transaction_id"] for item in frame.get("items", []))
            say(f"{len(fed)} in the live feed")
            if len(fed) < COUNT:
                missing.append("live feed")
        page = await (await session.get("/")).text()
        if "Submit Fraud-like TX" not in page:
            missing.append("dashboard")
    say("smoke test passed" if not missing else f"smoke test FAILED: missing {', '.join(missing)}")
    return 1 if missing else 0


async def _submit(session: aiohttp.ClientSession, transaction: dict[str, Any]) -> dict[str, Any]:
    async with session.post("/api/transactions?wait=5000", json=transaction) as answer:
        body: dict[str, Any] = await answer.json(content_type=None)
        return body


async def _get(session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with session.get(path) as answer:
        body: dict[str, Any] = await answer.json(content_type=None)
        return body


async def _until(
    ask: Callable[[], Awaitable[dict[str, Any]]], enough: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    deadline = time.monotonic() + STORED_S
    while not enough(answer := await ask()) and time.monotonic() < deadline:  # noqa: ASYNC110 - polls another process
        await asyncio.sleep(0.1)
    return answer
