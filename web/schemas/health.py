"""Models of a worker's health."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Check(BaseModel):
    status: Literal["ok", "degraded", "down"]
    detail: str | None = None


class Health(BaseModel):
    """200 while transactions can be scored, even without Redis or PostgreSQL; 503 when not."""

    status: Literal["ok", "degraded", "down"]
    checks: dict[str, Check]
    fleet: Check = Field(description="the worst state of all processes, this worker's included")
    version: str
    worker: str
    partitions: list[int] = Field(
        description="partitions of transactions.raw that this worker scores"
    )
    demo: bool
    auth: str
