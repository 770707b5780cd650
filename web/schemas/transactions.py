"""Models of submitting and listing transactions, beside the contracts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fraud_app.contracts.scored import Decision, ScoredTransaction
from fraud_app.contracts.transaction import Identifier, Transaction
from web.schemas.dead_letters import DeadLetter


class TransactionRequest(Transaction):
    """A transaction as it is posted: id and time are filled in when they are missing."""

    transaction_id: Identifier | None = Field(
        None, description="makes a second try safe; by default Idempotency-Key, else a UUIDv7"
    )  # type: ignore[assignment]
    occurred_at: AwareDatetime | None = Field(None, description="default: now")


class Accepted(BaseModel):
    """The broker has the transaction; its decision follows."""

    transaction_id: str
    user_id: str
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
    cursor: str | None = Field(None, max_length=1_500, description="next_cursor of the page before")
    decision: Decision | None = None
    min_score: Annotated[int, Field(ge=0, le=99)] | None = None
    max_score: Annotated[int, Field(ge=0, le=99)] | None = None
    user_id: Identifier | None = None
    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|unknown)$")] | None = None
    reason: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="code of a reason; flagged ones only"
    )
    q: Annotated[str, Field(max_length=128)] | None = Field(
        None,
        description="exactly this id of a transaction, customer, device or card, or this address",
    )
    since: AwareDatetime | None = Field(None, alias="from", description="scored at or after")
    until: AwareDatetime | None = Field(None, alias="to", description="scored before")


class Page(BaseModel):
    """Newest first."""

    items: list[ScoredTransaction]
    next_cursor: str | None


class DetailQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    explain: bool = Field(
        False, description="add the contribution of every feature, for approvals too"
    )


class TransactionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: Identifier | None = Field(
        None, description="its customer; needed when several customers have one with this id"
    )


class StoredDetailQuery(TransactionQuery, DetailQuery):
    pass


class Contribution(BaseModel):
    code: str
    group: str
    unit: str
    meaning: str
    text: str
    value: float | None
    contribution: float


class ExplainedTransaction(ScoredTransaction):
    """With `explain`: every feature's contribution, strongest first; null when features or model
    are not kept any more.
    """

    explanation: list[Contribution] | None = None
    dead_letters: list[DeadLetter] | None = Field(
        None, description="records with this id that could not be decided, newest first"
    )
