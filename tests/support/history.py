"""What is stored in the history. It follows a decision with a delay, so a test that reads the
history must first wait for what it is about to read.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from fraud_app.kafka.partitioner import partition_of
from tests.support.api_client import Answer, ApiClient, until
from tests.support.builders import fresh

PARTITIONS = 4
"""Of every topic in the tests: the default of the settings."""


def fresh_in(partition: int) -> dict[str, Any]:
    """A transaction of a new customer whose key belongs to this partition. Nothing else about it is
    shared with another customer.
    """
    while partition_of(user := f"u-{uuid.uuid4().hex}", PARTITIONS) != partition:
        pass
    mark = user[2:14]
    return fresh(
        user_id=user,
        device_id=f"d-{mark}",
        merchant_id=f"m-{mark}",
        ip=f"2001:db8::{mark[:4]}:{mark[4:8]}:{mark[8:]}",
        payment_method={"type": "card", "fingerprint": f"fp-{mark}", "bin_country": "DE"},
    )


async def stored(api: ApiClient, transaction: dict[str, Any]) -> Answer:
    """Wait until this transaction is in the history."""
    return await until(
        lambda: api.get(f"/api/transactions/{transaction['transaction_id']}"),
        lambda answer: answer.status == 200,
    )


async def everything_stored(api: ApiClient) -> None:
    """Wait until all transactions that were accepted before this call are stored.

    A partition is scored and stored in order. So what was accepted earlier is stored when a
    transaction of each partition, sent now, is.
    """
    markers = [fresh_in(partition) for partition in range(PARTITIONS)]
    for marker in markers:
        accepted = await api.post("/api/transactions", marker)
        assert accepted.status == 202, accepted
    await asyncio.gather(*(stored(api, marker) for marker in markers))
