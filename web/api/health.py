"""Health of this worker: alive, ready, degraded; and its metrics. A check must answer within a
second, even when a dependency does not.
"""

from __future__ import annotations

import asyncio
import time

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fraud_app import __version__, metrics, supervision
from fraud_app.app import app, user_table
from fraud_app.kafka import compat
from fraud_app.resources import champion, config, database, redis_client, scoring_state
from fraud_app.topics import RAW
from tables.redis.client import RedisUnavailable
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
    redis, postgres, kafka = await asyncio.gather(_redis(), _postgres(), _kafka())
    checks = {
        "kafka": kafka,
        "redis": redis,
        "postgres": postgres,
        "model": _model(),
        "worker": _worker(),
        "tasks": _tasks(),
    }
    down = "down" in (kafka.status, checks["worker"].status)
    degraded = any(check.status != "ok" for check in checks.values())
    return Health(
        status="down" if down else "degraded" if degraded else "ok",
        checks=checks,
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
    """200 when this worker's partitions are assigned and its tables recovered."""
    worker = _worker()
    return web.Response(
        status=200 if worker.status == "ok" else 503, text=f"{worker.detail or 'ready'}\n"
    )


async def prometheus(request: web.Request) -> web.Response:
    """Metrics in Prometheus' text format."""
    return web.Response(
        body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


def _worker() -> Check:
    """Ready once the first assignment of partitions is complete and no rebalance is running."""
    if scoring_state.stopped:
        return Check(status="down", detail=f"scoring has stopped: {scoring_state.stopped}")
    if app.rebalancing or not app.rebalancing_count:
        return Check(status="degraded", detail=_assigning())
    owned = compat.assigned_partitions(app, RAW)
    return Check(status="ok", detail=f"{len(owned)} of {config.kafka.partitions} partitions here")


def _assigning() -> str:
    """What a worker does before it scores, with what is left to do."""
    parts = ["partitions are being assigned or tables recovered"]
    if remaining := compat.to_recover(app):
        parts.append(f"{remaining} changelog records left")
    if user_table.rebuilding:
        partitions = ", ".join(map(str, user_table.rebuilding))
        parts.append(
            f"the database of partition {partitions} was damaged, moved aside, and is rebuilt"
        )
    return "; ".join(parts)


def _tasks() -> Check:
    """Background tasks fail and are started again; what they do is late meanwhile."""
    if supervision.failing:
        names = ", ".join(
            f"{name} ({error})" for name, error in sorted(supervision.failing.items())
        )
        return Check(
            status="degraded", detail=f"background tasks fail and are tried again: {names}"
        )
    return Check(status="ok", detail="all run")


def _model() -> Check:
    if champion.scorer is None:
        return Check(
            status="degraded", detail=f"no model, everything goes to review: {champion.error}"
        )
    return Check(status="ok", detail=champion.scorer.reference)


async def _redis() -> Check:
    started = time.perf_counter()
    try:
        await redis_client.call(redis_client.client.ping(), CHECK_S)
    except RedisUnavailable as error:
        return Check(
            status="down",
            detail=f"scoring without shared signals; no live feed ({str(error)[:120]})",
        )
    return Check(status="ok", detail=f"{(time.perf_counter() - started) * 1000:.1f} ms")


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
