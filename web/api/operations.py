"""The running processes over HTTP, for operators: their partitions, lag, recovery and dependencies.
It must answer even when neither Redis nor PostgreSQL does.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aiohttp import web

from fraud_app.app import own_heartbeat
from fraud_app.postgres import labels
from fraud_app.postgres.database import CHECK_S, DatabaseUnavailable
from fraud_app.resources import config, database, redis_client
from tables.redis import heartbeat
from tables.redis.client import RedisUnavailable
from tables.redis.heartbeat import SILENT_AFTER_S, Heartbeat
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
    processes = [_process(heartbeat_sent) for heartbeat_sent in heartbeats]
    owned = {
        partition
        for process in processes
        if process.role == "scoring" and process.state != "silent"
        for partition in process.partitions
    }
    report = Operations(
        status=health.status,
        worker=health.worker,
        version=health.version,
        checks=health.checks,
        partitions=config.kafka.partitions,
        unowned=sorted(set(range(config.kafka.partitions)) - owned) if complete else [],
        processes=processes,
        processes_known=complete,
        unmatched_labels=await _unmatched_labels(),
    )
    return answer(report.model_dump(mode="json"))


async def _unmatched_labels() -> int | None:
    try:
        return await database.query(labels.unmatched, CHECK_S)
    except DatabaseUnavailable:
        return None


def _process(sent: Heartbeat) -> Process:
    """A process as its latest heartbeat describes it."""
    silent_s = time.time() - sent.at
    if silent_s > SILENT_AFTER_S:
        state = "silent"
    elif sent.to_recover or not sent.partitions:
        state = "recovering"
    else:
        state = "ok"
    return Process(
        id=sent.id,
        role=sent.role,
        state=state,
        silent_s=silent_s,
        started_at=datetime.fromtimestamp(sent.started, UTC),
        version=sent.version,
        partitions=sent.partitions,
        lag=sent.lag,
        to_recover=sent.to_recover,
        address=sent.address,
        model=sent.model,
    )
