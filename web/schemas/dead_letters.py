"""Models of the dead-letter topic. They must never hold a whole value, which may be card data."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class DeadLetter(BaseModel):
    partition: int
    offset: int
    at: datetime
    code: str
    detail: str
    topic: str
    original_partition: int | None
    original_offset: int | None
    size: int
    preview: str = Field(description="start of the value; card numbers are masked")


class DeadLetters(BaseModel):
    """The latest first."""

    total: int = Field(description="messages that the topic holds")
    items: list[DeadLetter]
