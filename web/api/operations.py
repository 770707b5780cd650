"""The running processes over HTTP, for operators: their partitions, lag, recovery and dependencies.
It must answer even when neither Redis nor PostgreSQL does.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aiohttp import web

from fraud_app.postgres import labels
from fraud_app.postgres.database import CHECK_S, DatabaseUnavailable
from fraud_app.resources import config, database, redis_client
from fraud_app.worker_state import own_heartbeat
from tables.redis import fleet, heartbeat
from tables.redis.client import RedisUnavailable
from tables.redis.heartbeat import Heartbeat
from web.api.health import state_of
from web.http.body import answer
from web.schemas.operations import Operations, Process


async def operations(request: web.Request) -> web.Response:
    """Workers, partitions, lag, recovery and dependencies."""
    health = await state_of()
    try:
        heartbeats, complete = await heartbeat.all_heartbeats(redis_client), True
    except RedisUnavailable:
        heartbeats, complete = [own_heartbeat()], False
    now = time.time()
    report = Operations(
        status=health.status,
        worker=health.worker,
        version=health.version,
        checks=health.checks,
        partitions=config.kafka.partitions,
        unowned=fleet.unowned(heartbeats, config.kafka.partitions, now) if complete else [],
        processes=[_process(sent, now) for sent in heartbeats],
        processes_known=complete,
        unmatched_labels=await _unmatched_labels(),
    )
    return answer(report.model_dump(mode="json"))


async def _unmatched_labels() -> int | None:
    try:
        return await database.query(labels.unmatched, CHECK_S)
    except DatabaseUnavailable:
        return None


def _process(sent: Heartbeat, now: float) -> Process:
    """A process as its latest heartbeat describes it."""
    if fleet.is_silent(sent, now):
        state = "silent"
    elif sent.to_recover or not sent.partitions:
        state = "recovering"
    else:
        state = fleet.worst(sent.status)
    return Process(
        id=sent.id,
        role=sent.role,
        state=state,
        detail=sent.detail or None,
        silent_s=now - sent.at,
        started_at=datetime.fromtimestamp(sent.started, UTC),
        version=sent.version,
        partitions=sent.partitions,
        lag=sent.lag,
        to_recover=sent.to_recover,
        address=sent.address,
        model=sent.model,
    )
