"""Transactions that wait for a review, and analysts who decide them."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

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
            named = scored["transaction_id"], scored["user_id"]
            await until(lambda named=named: case(api, *named), lambda answer: answer.status == 200)
            return scored
    raise AssertionError(f"none of {TRIES} transactions was sent to review")


def path_of(identity: str, part: str = "", user: str | None = None) -> str:
    """The address of a transaction, or of a part of it; without its customer, of the only one with
    this id.
    """
    query = f"?{urlencode({'user_id': user})}" if user is not None else ""
    return f"/api/transactions/{identity}{part}{query}"


async def case(api: ApiClient, identity: str, user: str | None = None) -> Answer:
    """What an analyst sees of this transaction."""
    return await api.get(path_of(identity, "/case", user))


async def say(
    api: ApiClient,
    identity: str,
    verdict: str,
    analyst: str = "ann",
    user: str | None = None,
    **more: Any,
) -> Answer:
    """Give a verdict."""
    return await api.post(
        path_of(identity, "/verdicts", user),
        {"verdict": verdict, **more},
        **as_analyst(analyst),
    )


async def take(api: ApiClient, identity: str, analyst: str, user: str | None = None) -> Answer:
    """Take an item of the queue, so that nobody else decides it."""
    return await api.send("PUT", path_of(identity, "/claim", user), **as_analyst(analyst))
