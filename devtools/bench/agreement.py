"""How often the contenders of the benchmark decide as our system does: all have the same features
and model, so only the order in which they see shared signals may differ.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from devtools.audit.topic_reader import read_topic
from devtools.bench.contenders import PASS_THROUGH, Contender


async def share_of_same_decisions(contenders: Iterable[Contender]) -> dict[str, float]:
    """The share of the transactions that each contender decided as the first of them did.

    Only transactions that both decided are counted. The pass-through decides nothing.
    """
    shares: dict[str, float] = {}
    ours: dict[str, str] = {}
    for contender in contenders:
        if contender.name == PASS_THROUGH:
            continue
        decisions = await _read_decisions(contender)
        ours = ours or decisions
        common = ours.keys() & decisions.keys()
        same = sum(ours[key] == decisions[key] for key in common)
        shares[contender.name] = same / len(common)
    return shares


async def _read_decisions(contender: Contender) -> dict[str, str]:
    """The decision by transaction id."""
    records = await read_topic(contender.route.brokers, contender.route.sink)
    messages = (orjson.loads(record.value) for record in records)
    return {message["transaction_id"]: message["decision"] for message in messages}
