"""Models of a case: a decided transaction with everything that is stored about it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from fraud_app.contracts.scored import Decision, ScoredTransaction
from web.schemas.dead_letters import DeadLetter
from web.schemas.transactions import Contribution
from web.schemas.verdicts import Verdict


class Related(BaseModel):
    transaction_id: str
    user_id: str
    amount: str
    currency: str
    country: str | None
    decision: Decision
    risk_score: int
    scored_at: datetime


class RelatedBy(BaseModel):
    """The latest ten of those that share something; `found` counts to a hundred."""

    by: Literal["user_id", "device_id", "ip", "card"]
    value: str
    found: int
    items: list[Related]


class KnownLabel(BaseModel):
    source: str
    is_fraud: bool
    labelled_at: datetime


class InQueue(BaseModel):
    expected_loss_eur: float | None
    entered_at: datetime
    taken_by: str | None
    taken_until: datetime | None
    closed_at: datetime | None


class CaseTransaction(ScoredTransaction):
    """The transaction of a case."""

    features: list[float | None] = Field([], description="not in a case: see `explanation`")


class Case(BaseModel):
    """All that is known of one decided transaction."""

    analyst: str = Field(description="who is asking")
    transaction: CaseTransaction
    stored_at: datetime
    explanation: list[Contribution] | None = Field(
        description="every feature's contribution, strongest first; "
        "null when the features or the model are not kept any more"
    )
    queue: InQueue | None
    verdicts: list[Verdict]
    labels: list[KnownLabel]
    dead_letters: list[DeadLetter] = Field(
        description="records with this id that could not be decided, newest first"
    )
    related: list[RelatedBy]
