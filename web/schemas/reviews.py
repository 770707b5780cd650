"""Models of the review queue: the query, the items and a claim."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fraud_app.contracts.scored import ScoredTransaction
from fraud_app.contracts.transaction import Identifier


class QueueQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    sort: Literal["loss", "age", "score"] = Field(
        "loss",
        description="dearest expected loss (before it, where it is not known), oldest, or highest "
        "score first",
    )
    min_score: Annotated[int, Field(ge=0, le=99)] = 0
    user_id: Identifier | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class QueueItem(BaseModel):
    transaction: ScoredTransaction
    expected_loss_eur: float | None = Field(
        description="probability of fraud times amount; null when no rate to the euro is known"
    )
    entered_at: datetime
    taken_by: str | None
    taken_until: datetime | None


class Queue(BaseModel):
    """What waits for an analyst, without what the asking one skipped within the hour."""

    analyst: str = Field(description="who is asking")
    open: int
    oldest_at: datetime | None
    verdicts_hour: int
    approved_share: float | None = Field(
        description="of a day's verdicts; "
        "when it is high, payments are sent to review that need not be"
    )
    items: list[QueueItem]


class Claim(BaseModel):
    """Who decides an item, and until when nobody else can."""

    taken_by: str
    taken_until: datetime
