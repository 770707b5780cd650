"""Models of the analysts' verdicts on a transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

REASONS = (
    "customer_confirmed",
    "known_pattern",
    "card_testing",
    "account_takeover",
    "stolen_card",
    "chargeback",
    "unusual_but_plausible",
    "other",
)


class VerdictRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verdict: Literal["approve", "block", "fraud", "skip"] = Field(
        description="approve: honest; block: refused as fraud; fraud: confirmed fraud; "
        "skip: somebody else should look"
    )
    reason: Literal[REASONS] | None = None  # type: ignore[valid-type]
    note: Annotated[
        str, Field(max_length=2_000, description="card numbers and security codes are masked")
    ] = ""
    supersedes: int | None = Field(
        None, description="the verdict that stands now, to replace one that you have seen"
    )


class VerdictGiven(BaseModel):
    verdict_id: int
    given_at: datetime
    undo_until: datetime = Field(
        description="until then it can be taken back; then its label is sent"
    )
    analyst: str


class Verdict(BaseModel):
    verdict_id: int
    verdict: str
    undoes: int | None
    reason: str | None
    note: str
    analyst: str
    given_at: datetime
    undo_until: datetime | None = Field(description="null once it is final")
