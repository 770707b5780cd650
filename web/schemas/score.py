"""Models of scoring a batch. Nothing is counted or stored."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fraud_app.contracts.scored import ScoredTransaction

MAX_BATCH = 500
"""Bounds the time of one request."""


class ScoreBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    transactions: Annotated[
        list[Any], Field(min_length=1, max_length=MAX_BATCH, description="each as for POST /score")
    ]


class BatchItem(BaseModel):
    """One of the two."""

    result: ScoredTransaction | None = None
    error: dict[str, Any] | None = None


class BatchAnswer(BaseModel):
    """In the order of the request."""

    results: list[BatchItem]
