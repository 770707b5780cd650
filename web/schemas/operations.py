"""Models of the operations page: the running processes, their partitions and their lag."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from web.schemas.health import Check


class Process(BaseModel):
    id: str
    role: str
    state: Literal["ok", "recovering", "silent", "degraded", "down"]
    detail: str | None = Field(description="why it is degraded or down")
    silent_s: float
    started_at: datetime
    version: str
    partitions: list[int]
    lag: int
    to_recover: int
    address: str | None
    model: str | None


class Operations(BaseModel):
    """Who is running, what they own, how far behind they are, and what they depend on."""

    status: Literal["ok", "degraded", "down"]
    worker: str
    version: str
    checks: dict[str, Check]
    partitions: int
    unowned: list[int] = Field(
        description="partitions of transactions.raw that no process says it scores"
    )
    processes: list[Process]
    processes_known: bool = Field(
        description="false while Redis is away: only this worker is shown"
    )
    unmatched_labels: int | None = Field(
        description="labels without a customer whose id no transaction has, or those of several "
        "customers have; counted up to 1000, null while PostgreSQL is away"
    )
