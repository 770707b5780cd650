"""Models of one customer: totals, behaviour and used entities."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class WindowUse(BaseModel):
    """What a customer does within a window, against their own average of such a window over the
    last seven days.
    """

    window: str
    payments: int
    usual_payments: float
    amount_eur: float
    usual_amount_eur: float


class Used(BaseModel):
    value: str
    payments: int
    flagged: int
    first_at: datetime
    last_at: datetime


class Behaviour(BaseModel):
    """The row that the next payment will be compared with."""

    payments: int
    first_at: datetime
    last_at: datetime
    largest_eur: float = Field(description="of the amounts that are known in euro; else 0")
    windows: list[WindowUse]
    hours: list[int] = Field(description="payments by hour of the day, UTC")


class Customer(BaseModel):
    user_id: str
    payments: int
    decisions: dict[str, int]
    fraud: int = Field(description="payments that are labelled as fraud")
    first_at: datetime | None
    last_at: datetime | None
    behaviour: Behaviour | None = Field(
        description="null when no worker has a row, or Redis is away and another worker has it"
    )
    behaviour_away: bool
    used: dict[str, list[Used]]
