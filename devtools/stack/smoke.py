"""The demo's own check: 200 transactions are sent by HTTP, and each must be decided, stored and in
the live feed exactly once. It talks HTTP only, as a client does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp

from devtools.stack.say import Say
from ml.simulator import Population, simulate

COUNT = 200
SEED, USERS = 3, 5_000
FRAUD_SHARE = 0.1  # much more than in a shop, so that 200 transactions hold some
STORED_S = 20.0  # storage may still be starting: nothing waits for the sinks


def check(address: str, say: Say) -> int:
    """The exit code: 0 when nothing is missing, else 1."""
    missing = asyncio.run(_find_missing(address, say))
    say("smoke test passed" if not missing else f"smoke test FAILED: missing {', '.join(missing)}")
    return 1 if missing else 0


async def _find_missing(address: str, say: Say) -> list[str]:
    """The names of what is missing."""
    checks = (_check_decisions, _check_stored, _check_health, _check_live_feed, _check_dashboard)
    async with aiohttp.ClientSession(address) as session:
        return [name for run_check in checks if (name := await run_check(session, say))]


async def _check_decisions(session: aiohttp.ClientSession, say: Say) -> str | None:
    """Send the transactions one by one and wait for each decision."""
    traffic = [
        labelled.transaction
        for labelled in simulate(
            Population(SEED, USERS), datetime.now(UTC), 1, count=COUNT, fraud_share=FRAUD_SHARE
        )
    ]
    for transaction in traffic:
        transaction["occurred_at"] = datetime.now(UTC).isoformat()
    started = time.monotonic()
    answers = [await _submit(session, transaction) for transaction in traffic]
    round_trip_ms = (time.monotonic() - started) / COUNT * 1000
    decisions = [answer["decision"] for answer in answers if "decision" in answer]
    counts = ", ".join(f"{decisions.count(name)} {name}" for name in ("approve", "review", "block"))
    say(f"{len(decisions)} of {COUNT} decided: {counts}; {round_trip_ms:.1f} ms a round trip")
    latencies = sorted(
        answer["latency_ms"]["total"] for answer in answers if "latency_ms" in answer
    )
    if latencies:
        p50, p99 = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
        say(f"latency p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return "decisions" if len(decisions) < COUNT else None


async def _check_stored(session: aiohttp.ClientSession, say: Say) -> str | None:
    stats = await _poll(
        lambda: _get(session, "/api/transactions/stats?window=5m"),
        lambda stats: stats["transactions"] == COUNT,
    )
    say(f"{stats['transactions']} stored and counted in PostgreSQL")
    return "stored transactions" if stats["transactions"] != COUNT else None


async def _check_health(session: aiohttp.ClientSession, say: Say) -> str | None:
    health = await _get(session, "/health")
    statuses = (f"{name} {check['status']}" for name, check in health["checks"].items())
    say("health: " + ", ".join(statuses))
    return "health" if health["status"] != "ok" else None


async def _check_live_feed(session: aiohttp.ClientSession, say: Say) -> str | None:
    """Read the feed from its beginning until all are seen or nothing more comes for 5 s."""
    async with session.ws_connect("/ws?since=0-0") as feed:
        seen_ids: set[str] = set()
        with suppress(TimeoutError):
            while len(seen_ids) < COUNT:
                frame = await feed.receive_json(timeout=5)
                seen_ids.update(item["data"]["transaction_id"] for item in frame.get("items", []))
        say(f"{len(seen_ids)} in the live feed")
    return "live feed" if len(seen_ids) < COUNT else None


async def _check_dashboard(session: aiohttp.ClientSession, _: Say) -> str | None:
    page = await (await session.get("/")).text()
    return "dashboard" if "Submit Fraud-like TX" not in page else None


async def _submit(session: aiohttp.ClientSession, transaction: dict[str, Any]) -> dict[str, Any]:
    async with session.post("/api/transactions?wait=5000", json=transaction) as response:
        body: dict[str, Any] = await response.json(content_type=None)
        return body


async def _get(session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with session.get(path) as response:
        body: dict[str, Any] = await response.json(content_type=None)
        return body


async def _poll(
    ask: Callable[[], Awaitable[dict[str, Any]]], is_enough: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Ask until the answer is enough, at most 20 s; returns the last answer."""
    deadline = time.monotonic() + STORED_S
    while not is_enough(answer := await ask()) and time.monotonic() < deadline:  # noqa: ASYNC110 - polls another process
        await asyncio.sleep(0.1)
    return answer
