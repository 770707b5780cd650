"""What the API takes and gives for analysts and operators: breakdowns, the review queue, verdicts, cases, customers, operations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fraud_app.contracts.scored import Decision, ScoredTransaction
from fraud_app.contracts.transaction import Identifier
from web.models import Check, Contribution


class QueueQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    sort: Literal["loss", "age", "score"] = Field(
        "loss", description="dearest expected loss, oldest, or highest score first"
    )
    min_score: Annotated[int, Field(ge=0, le=99)] = 0
    user_id: Identifier | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class QueueItem(BaseModel):
    transaction: ScoredTransaction
    expected_loss_eur: float = Field(description="probability of fraud times amount")
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
        description="of a day's verdicts; when it is high, payments are sent to review that need not be"
    )
    items: list[QueueItem]


class Claim(BaseModel):
    """Who decides an item, and until when nobody else can."""

    taken_by: str
    taken_until: datetime


REASONS = (
    "customer_confirmed", "known_pattern", "card_testing", "account_takeover", "stolen_card", "chargeback", "unusual_but_plausible", "other",
)  # fmt: skip


class VerdictRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    verdict: Literal["approve", "block", "fraud", "skip"] = Field(
        description="approve: honest; block: refused as fraud; fraud: confirmed fraud; skip: somebody else should look"
    )
    reason: Literal[REASONS] | None = None  # type: ignore[valid-type]
    note: Annotated[str, Field(max_length=2_000)] = ""
    supersedes: int | None = Field(None, description="the verdict that stands now, to replace one that you have seen")


class VerdictGiven(BaseModel):
    verdict_id: int
    given_at: datetime
    undo_until: datetime = Field(description="until then it can be taken back; then its label is sent")
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
    expected_loss_eur: float
    entered_at: datetime
    taken_by: str | None
    taken_until: datetime | None
    closed_at: datetime | None


class Case(BaseModel):
    """All that is known of one decided transaction."""

    analyst: str = Field(description="who is asking")
    transaction: ScoredTransaction
    stored_at: datetime
    explanation: list[Contribution] | None = Field(
        description="every feature's contribution, strongest first; null when the features or the model are not kept any more"
    )
    queue: InQueue | None
    verdicts: list[Verdict]
    labels: list[KnownLabel]
    related: list[RelatedBy]


class WindowUse(BaseModel):
    """What a customer does within a window, against their own average of such a window over the last seven days."""

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
    largest_eur: float
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


class Process(BaseModel):
    id: str
    role: str
    state: Literal["ok", "recovering", "silent"]
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
    unowned: list[int] = Field(description="partitions of transactions.raw that no process says it scores")
    processes: list[Process]
    processes_known: bool = Field(description="false while Redis is away: only this worker is shown")


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
