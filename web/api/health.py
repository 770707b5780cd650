"""Health of this worker: alive, ready, degraded; and its metrics. A check must answer within a
second, even when a dependency does not.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fraud_app import __version__, metrics, worker_state
from fraud_app.app import app
from fraud_app.kafka import compat
from fraud_app.resources import config, database, redis_client, scoring_state
from fraud_app.topics import RAW
from tables.redis import fleet, heartbeat
from tables.redis.client import RedisUnavailable
from tables.redis.heartbeat import Heartbeat
from web.http.body import answer
from web.schemas.health import Check, Health

CHECK_S = 1.0
"""Longest time for a dependency to answer."""


async def health(request: web.Request) -> web.Response:
    """The state of this worker and of what it depends on."""
    state = await state_of()
    return answer(state.model_dump(), 503 if state.status == "down" else 200)


async def state_of() -> Health:
    """The state of this worker and of its dependencies, checked now."""
    redis, postgres, kafka, heartbeats = await asyncio.gather(
        _redis(), _postgres(), _kafka(), _heartbeats()
    )
    own = worker_state.checks()
    checks = {"kafka": kafka, **own, "redis": redis, "postgres": postgres}
    status = worker_state.overall(checks)
    return Health(
        status=status,
        checks=checks,
        fleet=fleet_of(heartbeats, status, time.time()),
        version=__version__,
        worker=config.worker_id,
        partitions=sorted(compat.assigned_partitions(app, RAW)),
        demo=config.demo,
        auth=config.auth.mode,
    )


async def livez(request: web.Request) -> web.Response:
    """200 while the event loop answers; never asks another system."""
    return web.Response(text="alive\n")


async def readyz(request: web.Request) -> web.Response:
    """200 when this worker's partitions are assigned, its tables recovered, and a model loaded."""
    found = [worker_state.worker(), worker_state.model()]
    missing = [check.detail or "" for check in found if check.status != "ok"]
    return web.Response(
        status=503 if missing else 200, text=f"{'; '.join(missing) or found[0].detail}\n"
    )


async def prometheus(request: web.Request) -> web.Response:
    """Metrics in Prometheus' text format."""
    return web.Response(
        body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


async def _redis() -> Check:
    started = time.perf_counter()
    try:
        await redis_client.call(redis_client.client.ping(), CHECK_S)
    except RedisUnavailable as error:
        return worker_state.redis_away(str(error))
    milliseconds = (time.perf_counter() - started) * 1000
    met = worker_state.redis()
    return met if met.detail else Check(status="ok", detail=f"{milliseconds:.1f} ms")


async def _heartbeats() -> list[Heartbeat] | None:
    """The latest heartbeat of each process; None while Redis is away."""
    try:
        return await heartbeat.all_heartbeats(redis_client)
    except RedisUnavailable:
        return None


def fleet_of(heartbeats: list[Heartbeat] | None, own: fleet.Status, now: float) -> Check:
    """The worst state of all processes, this worker's included. `now`: in seconds since 1970."""
    if heartbeats is None:
        return Check(status=fleet.worst(own, "degraded"), detail="only this worker is known")
    # Of itself a worker knows more, and now: its checks say it.
    me = ("scoring", config.worker_id)
    others = [
        sent._replace(status="ok") if (sent.role, sent.id) == me else sent for sent in heartbeats
    ]
    status, faults = fleet.judge(others, config.kafka.partitions, now)
    return Check(status=fleet.worst(own, status), detail="; ".join(faults) or None)


async def _postgres() -> Check:
    started = time.perf_counter()
    if not await database.responds():
        return Check(status="down", detail="history and review are delayed; scoring goes on")
    return Check(status="ok", detail=f"{(time.perf_counter() - started) * 1000:.1f} ms")


async def _kafka() -> Check:
    if not await compat.broker_responds(app, CHECK_S):
        return Check(status="down", detail="no broker answers; nothing can be accepted or scored")
    if scoring_state.held:
        return Check(status="degraded", detail=scoring_state.held)
    return Check(status="ok")
