"""What the heartbeats of all processes say together. Pure: it gets the heartbeats and the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tables.redis.heartbeat import SILENT_AFTER_S, Heartbeat

Status = Literal["ok", "degraded", "down"]
_SEVERITY: tuple[Status, ...] = ("ok", "degraded", "down")
_TASKS = {"scoring": "scores", "storage": "stores decisions", "feed": "fills the live feed"}
"""What stands still when no process of a role runs."""


def is_silent(heartbeat: Heartbeat, now: float) -> bool:
    """Whether the process has sent nothing for too long. `now`: in seconds since 1970."""
    return now - heartbeat.at > SILENT_AFTER_S


def worst(*statuses: str) -> Status:
    """The worst of these states; one that is not known counts as degraded."""
    known = [_SEVERITY.index(status) if status in _SEVERITY else 1 for status in statuses]
    return _SEVERITY[max(known, default=0)]


def unowned(heartbeats: Sequence[Heartbeat], partitions: int, now: float) -> list[int]:
    """Partitions of `transactions.raw` that no process says it scores."""
    owned = {
        partition
        for heartbeat in heartbeats
        if heartbeat.role == "scoring" and not is_silent(heartbeat, now)
        for partition in heartbeat.partitions
    }
    return sorted(set(range(partitions)) - owned)


def judge(heartbeats: Sequence[Heartbeat], partitions: int, now: float) -> tuple[Status, list[str]]:
    """The worst state of the fleet, and a sentence for each fault; "down" when no process scores.

    `partitions`: as many as `transactions.raw` has.
    """
    running = [heartbeat for heartbeat in heartbeats if not is_silent(heartbeat, now)]
    roles = {heartbeat.role for heartbeat in running}
    statuses: list[str] = [heartbeat.status for heartbeat in running]
    faults = [
        f"{heartbeat.role} {heartbeat.id}: {heartbeat.detail or heartbeat.status}"
        for heartbeat in running
        if heartbeat.status != "ok"
    ]
    faults += [
        f"{heartbeat.role} {heartbeat.id}: silent for {now - heartbeat.at:.0f} s"
        for heartbeat in heartbeats
        if is_silent(heartbeat, now)
    ]
    faults += [f"no process {_TASKS[role]}" for role in sorted(_TASKS.keys() - roles)]
    if "scoring" in roles and (missing := unowned(heartbeats, partitions, now)):
        faults.append(f"nobody scores partition {', '.join(map(str, missing))}")
    if "scoring" not in roles:
        statuses.append("down")
    return worst("degraded" if faults else "ok", *statuses), faults
