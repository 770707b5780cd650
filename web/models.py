"""What the API takes and gives beside the contracts. OpenAPI is built from these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fraud_app.contracts.scored import Decision, ScoredTransaction
from fraud_app.contracts.transaction import Identifier, Transaction

MOST_IN_BATCH = 500


class TransactionRequest(Transaction):
    """A transaction as it is posted: id and time are filled in when they are missing."""

    transaction_id: Identifier | None = Field(
        None, description="makes a second try safe; by default Idempotency-Key, else a UUIDv7"
    )  # type: ignore[assignment]
    occurred_at: AwareDatetime | None = Field(None, description="default: now")  # type: ignore[assignment]


class Accepted(BaseModel):
    """The broker has the transaction; its decision follows."""

    transaction_id: str
    status: Literal["accepted"] = "accepted"


class SubmitQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    wait: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="ms to wait for the decision; then 200 with it, else 202"
    )


class ListQuery(BaseModel):
    """Filters of a list; all that are given must hold."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: str | None = Field(None, max_length=400, description="next_cursor of the page before")
    decision: Decision | None = None
    min_score: Annotated[int, Field(ge=0, le=99)] | None = None
    max_score: Annotated[int, Field(ge=0, le=99)] | None = None
    user_id: Identifier | None = None
    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|unknown)$")] | None = None
    reason: Annotated[str, Field(max_length=64)] | None = Field(None, description="code of a reason; flagged ones only")
    q: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="exactly this id of a transaction, customer, device or card, or this address"
    )
    since: AwareDatetime | None = Field(None, alias="from", description="scored at or after")
    until: AwareDatetime | None = Field(None, alias="to", description="scored before")


class Page(BaseModel):
    """Newest first."""

    items: list[ScoredTransaction]
    next_cursor: str | None


class DetailQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    explain: bool = Field(False, description="add the contribution of every feature, for approvals too")


class Contribution(BaseModel):
    code: str
    group: str
    unit: str
    meaning: str
    text: str
    value: float | None
    contribution: float


class ExplainedTransaction(ScoredTransaction):
    """With `explain`: every feature's contribution, strongest first; null when features or model are not kept any more."""

    explanation: list[Contribution] | None = None


class ScoreBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    transactions: Annotated[
        list[Any], Field(min_length=1, max_length=MOST_IN_BATCH, description="each as for POST /score")
    ]


class BatchItem(BaseModel):
    """One of the two."""

    result: ScoredTransaction | None = None
    error: dict[str, Any] | None = None


class BatchAnswer(BaseModel):
    """In the order of the request."""

    results: list[BatchItem]


class Check(BaseModel):
    status: Literal["ok", "degraded", "down"]
    detail: str | None = None


class Health(BaseModel):
    """200 while transactions can be scored, even without Redis or PostgreSQL; 503 when not."""

    status: Literal["ok", "degraded", "down"]
    checks: dict[str, Check]
    version: str
    worker: str
    partitions: list[int] = Field(description="partitions of transactions.raw that this worker scores")
    demo: bool
    auth: str


class FeatureInfo(BaseModel):
    name: str
    group: str
    unit: str
    meaning: str


class ModelVersion(BaseModel):
    version: str
    digest: str | None = Field(None, description="first 12 hex digits of the sha256 of its manifest")
    cutoffs: dict[str, float] | None = None
    metrics: dict[str, float] | None = Field(None, description="figures on its own test part")
    error: str | None = Field(None, description="why it cannot be used")


class CurveReport(BaseModel):
    """Precision against recall on what is labelled, point by point."""

    average_precision: float
    recall: list[float]
    precision: list[float]


class ShadowReport(BaseModel):
    """A challenger beside the decisions that were made, on the same transactions."""

    model: str = Field(description="the challenger, `name:version`")
    hours: float
    transactions: int
    same: float | None = Field(description="share of equal decisions")
    stricter: int
    laxer: int
    shift: float = Field(description="mean of the challenger's probability minus the decided one")
    labelled: int
    champion: CurveReport | None = Field(description="null while no fraud among them is labelled")
    challenger: CurveReport | None


class ModelReport(BaseModel):
    name: str
    in_use: str | None
    error: str | None = Field(description="why there is no model, or why a newer one was refused")
    aliases: dict[str, str]
    versions: list[ModelVersion]
    shadow: ShadowReport | None


class FeatureDrift(BaseModel):
    feature: str
    psi: float = Field(description="population stability index: below 0.1 nothing, from 0.2 on somebody should look")
    missing: float
    reference_missing: float


class DriftReport(BaseModel):
    """Measured every minute over the latest 5,000 decisions of a day; empty below 500."""

    model: str | None
    measured_at: datetime | None
    transactions: int
    features: list[FeatureDrift]


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[dict[str, str]] | None = None
