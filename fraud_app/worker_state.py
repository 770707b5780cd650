"""How this worker is, as far as it knows without asking anybody. Health adds what others answer."""

from __future__ import annotations

from collections.abc import Mapping

from fraud_app import supervision
from fraud_app.app import app, user_table
from fraud_app.heartbeats import current_heartbeat
from fraud_app.kafka import compat
from fraud_app.recent_decisions import WINDOW_S
from fraud_app.resources import champion, config, recent_decisions, redis_client, scoring_state
from fraud_app.topics import RAW
from tables.redis.fleet import Status, worst
from tables.redis.heartbeat import Heartbeat
from web.schemas.health import Check

DEGRADED_SHARE = 0.1
"""From this share on a dependency is not well. On a busy machine single answers come too late."""
_STOPS_SCORING = ("kafka", "worker")
"""Without one of these nothing is scored; without another, scoring goes on."""


def checks() -> dict[str, Check]:
    """What this worker knows of itself and has met, by name."""
    return {"redis": redis(), "model": model(), "worker": worker(), "tasks": tasks()}


def overall(found: Mapping[str, Check]) -> Status:
    """The state of a worker with these checks; "down" when it cannot score."""
    down = any(found[name].status == "down" for name in _STOPS_SCORING if name in found)
    ill = any(check.status != "ok" for check in found.values())
    return worst("down" if down else "ok", "degraded" if ill else "ok")


def redis() -> Check:
    """What decisions met: Redis may answer a ping and still be too slow for all of them."""
    if not redis_client.is_up:
        return redis_away(redis_client.last_error)
    share = recent_decisions.share_without("redis")
    if share:
        return Check(
            status="degraded" if share >= DEGRADED_SHARE else "ok",
            detail=f"{share:.0%} of the decisions of the last {WINDOW_S} s were made without it",
        )
    return Check(status="ok")


def redis_away(error: str) -> Check:
    """What it means that Redis does not answer."""
    return Check(
        status="down", detail=f"scoring without shared signals; no live feed ({error[:120]})"
    )


def model() -> Check:
    """Whether there is a model to decide with."""
    if champion.scorer is None:
        return Check(
            status="degraded", detail=f"no model, everything goes to review: {champion.error}"
        )
    return Check(status="ok", detail=champion.scorer.reference)


def worker() -> Check:
    """Ready once the first assignment of partitions is complete and no rebalance is running."""
    if scoring_state.reason:
        return Check(status="down", detail=f"scoring has stopped: {scoring_state.reason}")
    if standstill := supervision.standstill_of("scoring"):
        return Check(status="down", detail=f"scoring stands still: {standstill}")
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


def tasks() -> Check:
    """Background tasks fail and are started again; what they do is late meanwhile."""
    if supervision.failing:
        names = ", ".join(
            f"{name} ({error})" for name, error in sorted(supervision.failing.items())
        )
        return Check(
            status="degraded", detail=f"background tasks fail and are tried again: {names}"
        )
    return Check(status="ok", detail="all run")


def own_heartbeat() -> Heartbeat:
    """The state of this worker, to be sent to Redis."""
    found = checks()
    ill = [f"{name}: {check.detail}" for name, check in found.items() if check.status != "ok"]
    return current_heartbeat(
        app,
        "scoring",
        RAW,
        config.worker_id,
        address=f"{config.web.bind}:{config.web.port}",
        model=champion.scorer.reference if champion.scorer else None,
        status=overall(found),
        detail="; ".join(ill),
    )
