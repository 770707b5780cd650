"""The scored transaction that a shop gets back: the decision, the reasons and the latency. It must
never hold card data.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field
from pydantic_core import from_json

from fraud_app.contracts.transaction import PaymentMethod


class Decision(StrEnum):
    APPROVE = "approve"
    REVIEW = "review"
    BLOCK = "block"


DECISIONS = tuple(Decision)
"""From the most lenient to the strictest."""


class Reason(BaseModel):
    """One feature's part in a decision, in words."""

    code: str
    text: str
    value: float | None
    contribution: float = Field(
        description="change of the log-odds of fraud by this feature; positive raises the risk"
    )


class ModelRef(BaseModel):
    name: str
    version: str
    digest: str | None = Field(
        None, description="first 12 hex digits of the sha256 of the version's manifest"
    )


class Thresholds(BaseModel):
    review: float
    block: float


LATENCY_TARGET_MS = 50.0
"""What is promised for the time to a decision, at the 99th percentile."""


class Latency(BaseModel):
    """Milliseconds. `total` runs from the moment the broker appended the record to
    `transactions.raw` until the decision was made, before it is sent; for `POST /score` from when
    the request's body was read. `features` and `model` are the times of all transactions that were
    scored together. All three are 0 when an earlier decision is given again from its short form.
    """

    total: float
    features: float
    model: float


class InputWarning(BaseModel):
    """A field that could not be used as it was sent: it was taken as missing, rounded, or masked
    because of card data.
    """

    field: str = Field(description="JSON pointer into the transaction as it was sent")
    problem: str


class ScoredTransaction(BaseModel):
    """A transaction with its decision. The same transaction always carries the same decision, score
    and model; only the issuer's answer may be newer in a later message.
    """

    transaction_id: str
    user_id: str
    amount: str
    currency: str
    merchant_id: str
    category: str
    payment_method: PaymentMethod
    device_id: str | None
    ip: str | None
    country: str | None
    issuer_response: Literal["approved", "declined"] | None = Field(
        None, description="the issuer's answer so far; it may come after the decision"
    )
    decision: Decision
    risk_score: int = Field(
        ge=0, le=99, description="for people: 60 and more is reviewed, 85 and more is blocked"
    )
    probability: float | None = Field(
        description="calibrated probability of fraud; null without a model"
    )
    risk_level: Literal["low", "elevated", "high"]
    reasons: list[Reason]
    missing: list[str] = Field(description="features that had no value")
    degraded: list[str] = Field(description="dependencies that were away when this was decided")
    model: ModelRef | None
    thresholds: Thresholds | None
    features: list[float | None] | None = Field(
        description="the model's input, in the order of /api/features"
    )
    latency_ms: Latency
    input_warnings: list[InputWarning] = Field(
        [], description="fields that could not be used as sent: missing, rounded, or masked"
    )
    occurred_at: AwareDatetime | None = Field(
        description="by the shop's clock; null when it was missing or impossible"
    )
    received_at: AwareDatetime
    scored_at: AwareDatetime
    metadata: dict[str, Any]


def read_scored(message: bytes | str) -> dict[str, Any]:
    """The fields of a scored message. Integers stay exact, also those beyond 64 bits,
    which orjson refuses. Raises `ValueError` when it is no JSON.
    """
    fields: dict[str, Any] = from_json(message)
    return fields
