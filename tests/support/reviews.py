"""Transactions that wait for a review, and analysts who decide them."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.api_client import Answer, ApiClient, until
from web.api import samples

TRIES = 10
"""The sample is sent to review most of the time, but not always."""


def as_analyst(name: str) -> dict[str, Any]:
    """Options of a request that this analyst makes."""
    return {"headers": {"X-Analyst": name}}


async def flagged(api: ApiClient, markup: str = "", **fields: Any) -> dict[str, Any]:
    """A transaction that was sent to review and is stored. Its device, address and merchant are
    nobody else's. `markup` stands before the ids of customer, device and merchant.
    """
    for _ in range(TRIES):
        mark = uuid.uuid4().hex[:12]
        own = {
            "user_id": f"{markup}test_stranger_{mark}",
            "device_id": f"{markup}d-{mark}",
            "merchant_id": f"{markup}m-{mark}",
            "ip": f"2001:db8::{mark[:4]}:{mark[4:8]}:{mark[8:]}",
        }
        sample = {**samples.fraud(), **own, "transaction_id": f"t-{mark}", "amount": "100.00"}
        scored = await api.decided({**sample, **fields})
        if scored["decision"] == "review":
            identity = scored["transaction_id"]
            await until(
                lambda identity=identity: case(api, identity), lambda answer: answer.status == 200
            )
            return scored
    raise AssertionError(f"none of {TRIES} transactions was sent to review")


async def case(api: ApiClient, identity: str) -> Answer:
    """What an analyst sees of this transaction."""
    return await api.get(f"/api/transactions/{identity}/case")


async def say(
    api: ApiClient, identity: str, verdict: str, analyst: str = "ann", **more: Any
) -> Answer:
    """Give a verdict."""
    return await api.post(
        f"/api/transactions/{identity}/verdicts",
        {"verdict": verdict, **more},
        **as_analyst(analyst),
    )


async def take(api: ApiClient, identity: str, analyst: str) -> Answer:
    """Take an item of the queue, so that nobody else decides it."""
    return await api.send("PUT", f"/api/transactions/{identity}/claim", **as_analyst(analyst))
