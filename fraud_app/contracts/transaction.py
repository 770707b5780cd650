"""The transaction that a shop sends. This model is the JSON on Kafka and in the REST API, and the
source of `schemas/` and OpenAPI. It must know nothing of Kafka, Redis or SQL, and card numbers and
security codes must never enter: see `card_data`.
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    model_validator,
)

from fraud_app.contracts import card_data, currency

Identifier = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:@-]{1,128}$"),
    Field(description="1 to 128 of A-Z a-z 0-9 . _ : @ -"),
]
CountryCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}$"),
    Field(description="ISO 3166-1 alpha-2, upper case"),
]


def _canonical_address(text: str) -> str:
    """The address as the operating system prints it, so that equal addresses are equal strings."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, text))
    except (OSError, ValueError):
        raise ValueError("not an IPv4 or IPv6 address") from None


IpAddress = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_canonical_address),
    Field(description="IPv4 or IPv6, kept in its canonical form"),
]


def _plausible_time(moment: datetime) -> datetime:
    """Raises `ValueError` for a zero time of some language, and for one that no database holds."""
    if not EARLIEST <= moment < LATEST:
        raise ValueError("not a time from 2000 to 2099")
    return moment


ClientTime = Annotated[AwareDatetime, AfterValidator(_plausible_time)]
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Of a client's clock: back-fills are older than a deployment, but none is from before 2000."""


class Category(StrEnum):
    """What is sold; anything a shop cannot map is `other`. The order is part of the model's
    input.
    """

    OTHER = "other"
    GROCERIES = "groceries"
    FASHION = "fashion"
    ELECTRONICS = "electronics"
    HOME = "home"
    BEAUTY = "beauty"
    SPORTS = "sports"
    TRAVEL = "travel"
    GAMING = "gaming"
    DIGITAL_GOODS = "digital_goods"
    GIFT_CARDS = "gift_cards"
    DONATIONS = "donations"


class PaymentType(StrEnum):
    CARD = "card"
    WALLET = "wallet"
    BANK_TRANSFER = "bank_transfer"


class PaymentMethod(BaseModel):
    """How it is paid. A card is known only by a fingerprint that the shop or its processor made."""

    model_config = ConfigDict(extra="forbid")

    type: PaymentType = PaymentType.CARD
    fingerprint: Identifier | None = Field(
        None, description="stable token of the card; never its number"
    )
    bin_country: CountryCode | None = Field(None, description="country of the card's issuer")


class Transaction(BaseModel):
    """One payment attempt, as a shop sends it. Unknown fields are kept in `metadata`.

    Raises `pydantic.ValidationError` naming each wrong field; card data anywhere is an error whose
    value is not repeated.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "transaction_id": "o-20261124-0001",
                    "user_id": "u_42",
                    "amount": "129.90",
                    "currency": "EUR",
                    "occurred_at": "2026-11-24T09:30:00.123Z",
                    "merchant_id": "m_3",
                    "category": "electronics",
                    "payment_method": {
                        "type": "card",
                        "fingerprint": "fp_9a41",
                        "bin_country": "DE",
                    },
                    "device_id": "d_7",
                    "ip": "203.0.113.9",
                    "country": "DE",
                    "latitude": 52.52,
                    "longitude": 13.4,
                    "issuer_response": "approved",
                    "metadata": {},
                }
            ]
        },
    )

    transaction_id: Identifier
    user_id: Identifier
    amount: Annotated[Decimal, Field(gt=0, le=Decimal(10**10), allow_inf_nan=False)]
    currency: currency.Code
    occurred_at: ClientTime | None = Field(
        None, description="when the customer pressed pay, by the shop's clock; 2000 to 2099"
    )
    merchant_id: Identifier
    category: Category = Category.OTHER
    payment_method: PaymentMethod = Field(default_factory=PaymentMethod)
    device_id: Identifier | None = None
    ip: IpAddress | None = None
    country: CountryCode | None = Field(
        None, description="where the customer is, usually from the IP address"
    )
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    issuer_response: Literal["approved", "declined"] | None = Field(
        None, description="the issuer's answer to the authorisation, when it was asked already"
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="at most 32 entries, kept and returned as sent"
    )

    @model_validator(mode="before")
    @classmethod
    def _keep_unknown_fields_as_metadata(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        card_data.refuse(data)
        if _fields(cls).issuperset(data):
            return data
        unknown = data.keys() - _fields(cls)
        known = {name: value for name, value in data.items() if name not in unknown}
        metadata = known.get("metadata") or {}
        if isinstance(metadata, dict):
            known["metadata"] = {**{name: data[name] for name in sorted(unknown)}, **metadata}
        return known

    @model_validator(mode="after")
    def _bounded_and_exact(self) -> Transaction:
        if len(self.metadata) > 32:
            raise ValueError("metadata: at most 32 entries")
        currency.check_precision(self.amount, self.currency)
        return self

    @field_serializer("amount")
    def _amount_as_string(self, amount: Decimal) -> str:
        return format(amount, "f")


@cache
def _fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields)
