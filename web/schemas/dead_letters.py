"""Models of the dead-letter topic. They must never hold card data: texts come masked from
`contracts.letter_summary`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fraud_app.contracts.transaction import Identifier
from fraud_app.dead_letters import Outcome
from fraud_app.postgres.dead_letters import StoredLetter

MAX_RESENT = 100
"""Letters of one request, so that it ends within its time limit."""
Offset = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Resent(BaseModel):
    at: datetime
    by: str
    partition: int
    offset: int


class DeadLetter(BaseModel):
    partition: int = Field(0, description="of the letter; the topic has one")
    offset: int = Field(description="of the letter: its number in the topic")
    at: datetime
    code: str
    detail: str
    topic: str = Field(description="where the record came from; empty when the letter does not say")
    original_partition: int | None
    original_offset: int | None
    original_at: datetime | None
    attempts: int
    masked: bool = Field(description="whether card data in it was replaced")
    size: int = Field(description="bytes of the value that are kept")
    original_length: int | None = Field(
        description="bytes of the record when the letter was cut, and so cannot be sent again"
    )
    original_sha256: str | None
    transaction_id: str | None
    user_id: str | None
    preview: str = Field(description="start of the value; card numbers are masked")
    resent: Resent | None = Field(description="who sent it again, when, and where that record is")

    @classmethod
    def of(cls, stored: StoredLetter) -> DeadLetter:
        """The public description of a stored letter."""
        resent = Resent(**stored.resent._asdict()) if stored.resent else None
        return cls(**stored.summary._asdict(), resent=resent)


class DeadLetters(BaseModel):
    """The latest first."""

    total: int = Field(description="letters that pass the filters; at most 10,000 are counted")
    items: list[DeadLetter]
    next_cursor: str | None


class DeadLetterDetail(DeadLetter):
    """A letter with the start of its key and value as Kafka keeps them, card data masked."""

    key: str | None
    value: str | None
    cannot_resend: str | None = Field(description="why it cannot be sent again; null when it can")


class DeadLetterQuery(BaseModel):
    """Filters of the list; all that are given must hold."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(pattern=r"^\d{1,15}-\d{1,18}$")] | None = Field(
        None, description="next_cursor of the page before"
    )
    code: Annotated[str, Field(max_length=128)] | None = None
    topic: Annotated[str, Field(max_length=249)] | None = Field(
        None, description="that the record came from"
    )
    original_partition: Offset | None = None
    original_offset: Offset | None = None
    transaction_id: Identifier | None = None
    user_id: Identifier | None = None
    resent: bool | None = Field(None, description="whether it was sent again")
    since: AwareDatetime | None = Field(None, alias="from", description="written at or after")
    until: AwareDatetime | None = Field(None, alias="to", description="written before")


class ResendRequest(BaseModel):
    """Letters to be sent again, in this order."""

    model_config = ConfigDict(extra="forbid")

    offsets: Annotated[list[Offset], Field(min_length=1, max_length=MAX_RESENT)]


class ResendResult(BaseModel):
    offset: int
    outcome: Outcome
    detail: str


class ResendAnswer(BaseModel):
    """What became of each letter. A letter is sent once, however often it is asked for."""

    items: list[ResendResult]
