"""The label of a transaction: what became known after the decision. A label must never change the
decision itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from fraud_app.contracts import card_data
from fraud_app.contracts.transaction import Identifier
from fraud_app.contracts.transaction_key import TransactionKey


class FraudLabel(BaseModel):
    """Whether a transaction is fraud, whoever says so."""

    transaction_id: Identifier
    user_id: Identifier | None = Field(
        None,
        description="its customer; without it, the label is of the only transaction with this id, "
        "and of none when several customers have one",
    )
    is_fraud: bool

    @model_validator(mode="before")
    @classmethod
    def _without_card_data(cls, data: Any) -> Any:
        """As a transaction's id was masked, so is its label's, or it would be of none."""
        return card_data.masked_fields(data)[0] if isinstance(data, dict) else data


class Label(FraudLabel):
    """What became known of a transaction later: an analyst's verdict or a chargeback."""

    source: Literal["analyst", "chargeback", "generator"]
    labelled_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    scenario: str | None = None
    verdict: Literal["approve", "block", "fraud"] | None = Field(
        None,
        description="an analyst's own word: block is fraud as far as they know, "
        "fraud was confirmed",
    )
    reason: str | None = None
    labelled_by: str | None = None

    def record_key(self) -> bytes:
        """The key of its Kafka record. Compaction keeps the latest record of a key, so labels of
        two customers need different ones.
        """
        if self.user_id is None:
            return self.transaction_id.encode()
        return TransactionKey(self.user_id, self.transaction_id).text.encode()
