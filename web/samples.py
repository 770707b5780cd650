"""Ready-made transactions for the test form and for a first `curl`: an ordinary one, and one that looks like fraud."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from web.body import answer
from web.problem import Problem


async def sample(request: web.Request) -> web.Response:
    """A fresh transaction of this kind, `normal` or `fraud`, ready to be posted."""
    kind = request.match_info["kind"]
    if kind not in _KINDS:
        raise Problem(404, "not_found", f"kinds of samples: {', '.join(_KINDS)}")
    return answer(_KINDS[kind]())


def normal() -> dict[str, Any]:
    """A customer buys groceries at home, with their own card: approved at any hour, even as a first payment."""
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
    """A new account buys gift cards far away with a German card, from a device and address that other accounts share."""
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


_KINDS = {"normal": normal, "fraud": fraud}
