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
from pydantic_core import PydanticCustomError

from fraud_app.contracts import card_data, currency
from fraud_app.contracts.country import CountryCode
from fraud_app.contracts.transaction_key import TransactionKey

Identifier = Annotated[
    str,
    # No control characters, no line ends, nothing invisible and nothing that turns text around.
    StringConstraints(
        pattern=r"^[^\x00-\x1F\x7F-\x9F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F"
        r"\uFEFF\uFFF9-\uFFFB]{1,128}$"
    ),
    Field(description="1 to 128 printable characters; encoded where a URL needs it"),
]


def _usable_in_a_path(text: str) -> str:
    """The text. Raises `ValueError` for the two that every client resolves as folders, even when
    they are encoded (WHATWG URL, section 4.4).
    """
    if text in (".", ".."):
        raise ValueError("not . or .., which no URL can carry")
    return text


PathIdentifier = Annotated[Identifier, AfterValidator(_usable_in_a_path)]
"""An id that is a part of URLs."""


def _canonical_address(text: str) -> str:
    """The address as the operating system prints it, so that equal addresses are equal strings.

    Of a list, as proxies write it, the first; without a port and a zone; an IPv4 address that is
    mapped into IPv6 is the IPv4 address. Raises `ValueError` for anything else.
    """
    host = text.partition(",")[0].strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    host = host.partition("%")[0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        packed = socket.inet_pton(family, host)
    except (OSError, ValueError):
        raise ValueError("not an IPv4 or IPv6 address") from None
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(_MAPPED) :])
    return socket.inet_ntop(family, packed)


_MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv6 address begins that stands for an IPv4 address (RFC 4291, section 2.5.5.2)."""

IpAddress = Annotated[
    str,
    StringConstraints(max_length=256),
    AfterValidator(_canonical_address),
    Field(
        description="IPv4 or IPv6, kept in its canonical form; the first of a list, without a port"
    ),
]


EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Of a client's clock. Back-fills are older than a deployment, but none is from before 2000; what
is outside is the zero time of some language, or no time that a database holds.
"""
ClientTime = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]


MAX_METADATA = 256
"""Entries, unknown top-level fields among them. Values may be nested: `card_data.MAX_DEPTH` bounds
the levels, and the size of the whole record the rest.
"""


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


class PaymentMethod(BaseModel):
    """How it is paid. A card is known only by a fingerprint that the shop or its processor made.
    Unknown fields are kept.
    """

    model_config = ConfigDict(extra="allow")

    type: Identifier = Field(
        "card", description="card, wallet, bank_transfer or any other", examples=["card"]
    )
    fingerprint: Identifier | None = Field(
        None, description="stable token of the card; never its number"
    )
    bin_country: CountryCode | None = Field(None, description="country of the card's issuer")


class Transaction(BaseModel):
    """One payment attempt, as a shop sends it. Unknown fields are kept in `metadata`.

    Raises `pydantic.ValidationError` naming each wrong field. Card data anywhere is an error; its
    value is not repeated. `reading` masks it.
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

    transaction_id: PathIdentifier
    user_id: PathIdentifier
    amount: Annotated[Decimal, Field(ge=0, le=Decimal(10**10), allow_inf_nan=False)] = Field(
        description="in units of the currency, not in cents; 0 is the verification of a card"
    )
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
        None,
        description="the issuer's answer; a later one comes in the same transaction, sent again",
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict,
        description="anything that the shop wants to keep, returned as sent: at most 256 entries, "
        "of objects and arrays at most 8 levels deep (metadata is the first), in a record of at "
        "most 65,536 bytes; what is more is left out with a warning",
    )

    @property
    def key(self) -> TransactionKey:
        """What names it: its id alone may not."""
        return TransactionKey(self.user_id, self.transaction_id)

    @model_validator(mode="before")
    @classmethod
    def _keep_unknown_fields_as_metadata(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        card_data.refuse(data)
        fields = _fields(cls)
        if None in data.values():
            data = {
                name: value
                for name, value in data.items()
                if value is not None or name not in fields
            }
        if fields.issuperset(data):
            return data
        unknown = data.keys() - fields
        known = {name: value for name, value in data.items() if name not in unknown}
        metadata = known.get("metadata") or {}
        if isinstance(metadata, dict):
            known["metadata"] = {**{name: data[name] for name in sorted(unknown)}, **metadata}
        return known

    @model_validator(mode="after")
    def _bounded_and_exact(self) -> Transaction:
        if len(self.metadata) > MAX_METADATA:
            raise PydanticCustomError(
                "too_many_entries",
                "metadata: at most {most} entries",
                {"most": MAX_METADATA, "field": "metadata"},
            )
        exact = currency.exact(self.amount, self.currency)
        if exact is not self.amount:
            self.amount = exact
        return self

    @field_serializer("amount")
    def _amount_as_string(self, amount: Decimal) -> str:
        return format(amount, "f")


@cache
def _fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(model.model_fields)
