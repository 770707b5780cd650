"""Sample transactions for the test form and for a first `curl`: legitimate ones, ones that look
like fraud, and series that tell a story. No sample may use the data of a real person.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from web.http.body import answer
from web.http.problem import Problem


async def sample(request: web.Request) -> web.Response:
    """A fresh transaction of this kind, `normal` or `fraud`, ready to be posted."""
    kind = request.match_info["kind"]
    if kind not in _KINDS:
        raise Problem(404, "not_found", f"kinds of samples: {', '.join(_KINDS)}")
    return answer(_KINDS[kind]())


async def series(request: web.Request) -> web.Response:
    """A fresh series of transactions that tells a story; post them one after the other."""
    name = request.match_info["scenario"]
    if name not in _STORIES:
        raise Problem(404, "not_found", f"scenarios: {', '.join(_STORIES)}")
    return answer(_STORIES[name]())


def normal() -> dict[str, Any]:
    """A customer buys groceries at home with their own card. It is approved at any hour, even as
    the first transaction.
    """
    mark = secrets.token_hex(4)
    return {
        "transaction_id": f"test-normal-{mark}",
        "user_id": f"test_customer_{mark}",
        "amount": f"{20 + secrets.randbelow(40)}.90",
        "currency": "EUR",
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "merchant_id": "m12",
        "category": "groceries",
        "payment_method": {"type": "card", "fingerprint": f"fp-test-{mark}", "bin_country": "DE"},
        "device_id": f"d-test-{mark}",
        "ip": f"2001:db8::{mark[:4]}:{mark[4:]}",
        "country": "DE",
        "latitude": 52.52,
        "longitude": 13.4,
        "issuer_response": "approved",
        "metadata": {"source": "test form"},
    }


def fraud() -> dict[str, Any]:
    """A new account buys gift cards in Indonesia with a German card, from a device and an address
    that other accounts share.
    """
    mark = secrets.token_hex(4)
    return {
        **normal(),
        "transaction_id": f"test-fraud-{mark}",
        "user_id": f"test_stranger_{mark}",
        "amount": secrets.choice(("100.00", "200.00")),
        "merchant_id": "m31",
        "category": "gift_cards",
        "payment_method": {"type": "card", "fingerprint": f"fp-stolen-{mark}", "bin_country": "DE"},
        "device_id": "d-test-ring",
        "ip": "2001:db8:bad::1",
        "country": "ID",
        "latitude": -6.21,
        "longitude": 106.85,
    }


def card_testing() -> list[dict[str, Any]]:
    """Card testing: a bot tries ten stolen cards with tiny amounts, most of them declined. Then it
    makes a large transaction with a card that was approved.
    """
    bot = {
        **fraud(),
        "user_id": f"test_bot_{secrets.token_hex(4)}",
        "device_id": f"d-test-bot-{secrets.token_hex(3)}",
        "ip": _address_of_nobody(),
    }
    tries = [
        {
            "amount": f"{secrets.randbelow(4)}.{10 + secrets.randbelow(90)}",
            "category": "digital_goods",
            "merchant_id": "m7",
            "payment_method": {
                "type": "card",
                "fingerprint": f"fp-tried-{secrets.token_hex(4)}",
                "bin_country": "DE",
            },
            "issuer_response": "approved" if attempt % 4 == 3 else "declined",
        }
        for attempt in range(10)
    ]
    spree = {
        "amount": "480.00",
        "category": "electronics",
        "merchant_id": "m21",
        "payment_method": tries[7]["payment_method"],
    }
    return _series("card-testing", bot, [*tries, spree])


def account_takeover() -> list[dict[str, Any]]:
    """Account takeover: eight ordinary transactions of a customer; then somebody else buys gift
    cards with their account, from a new device in Indonesia.
    """
    customer = {**normal(), "user_id": f"test_victim_{secrets.token_hex(4)}"}
    past: list[dict[str, Any]] = [{"amount": f"{15 + secrets.randbelow(30)}.40"} for _ in range(8)]
    thief = {
        **_in_jakarta(),
        "device_id": f"d-thief-{secrets.token_hex(3)}",
        "category": "gift_cards",
        "merchant_id": "m31",
    }
    return _series(
        "account-takeover",
        customer,
        [*past, *({**thief, "amount": amount} for amount in ("250.00", "250.00", "400.00"))],
    )


def impossible_travel() -> list[dict[str, Any]]:
    """Impossible travel: Berlin, and seconds later Jakarta; nobody travels at that speed."""
    customer = {**normal(), "user_id": f"test_traveller_{secrets.token_hex(4)}"}
    home: list[dict[str, Any]] = [{"amount": f"{20 + secrets.randbelow(30)}.10"} for _ in range(4)]
    return _series(
        "impossible-travel",
        customer,
        [
            *home,
            {**_in_jakarta(), "amount": "349.00", "category": "electronics", "merchant_id": "m21"},
            home[0],
        ],
    )


def _in_jakarta() -> dict[str, Any]:
    return {"country": "ID", "latitude": -6.21, "longitude": 106.85, "ip": _address_of_nobody()}


def _address_of_nobody() -> str:
    """An address that no other sample uses: samples must not change each other's score."""
    return f"2001:db8:{secrets.token_hex(2)}::1"


def _series(name: str, base: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Transactions that are `base` with the changes of each step, numbered from 1."""
    mark = secrets.token_hex(4)
    return [
        {
            **base,
            **step,
            **_scattered_position({**base, **step}),
            "transaction_id": f"test-{name}-{mark}-{number}",
        }
        for number, step in enumerate(steps, 1)
    ]


def _scattered_position(step: dict[str, Any]) -> dict[str, float]:
    """Position in degrees of a transaction away from home: derived from an IP address, it is never
    twice the same to the metre. At home the position does not change, and the result is empty.
    """
    if step["country"] == normal()["country"]:
        return {}
    random = secrets.SystemRandom()
    return {name: step[name] + random.uniform(-0.2, 0.2) for name in ("latitude", "longitude")}


_KINDS = {"normal": normal, "fraud": fraud}
_STORIES = {
    "card_testing": card_testing,
    "account_takeover": account_takeover,
    "impossible_travel": impossible_travel,
}
