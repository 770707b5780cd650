"""For operators: who is running and how far behind, and what lies in the dead-letter topic."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aiohttp import web

from fraud_app.app import own_heartbeat
from fraud_app.resources import config, redis_client
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
    processes = [_process(each) for each in heartbeats]
    owned = {
        partition
        for one in processes
        if one.role == "scoring" and one.state != "silent"
        for partition in one.partitions
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
    )
    return answer(report.model_dump(mode="json"))


def _process(sent: Heartbeat) -> Process:
    silent = time.time() - sent.at
    state = (
        "silent"
        if silent > SILENT_AFTER_S
        else "recovering"
        if sent.to_recover or not sent.partitions
        else "ok"
    )
    return Process(
        id=sent.id,
        role=sent.role,
        state=state,
        silent_s=silent,
        started_at=datetime.fromtimestamp(sent.started, UTC),
        version=sent.version,
        partitions=sent.partitions,
        lag=sent.lag,
        to_recover=sent.to_recover,
        address=sent.address,
        model=sent.model,
    )
