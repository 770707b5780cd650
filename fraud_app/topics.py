"""The topics, declared in one place and created before any agent starts. Their names are a
contract.

Faust itself declares the changelog. `transactions.raw` carries the broker's own append time: the
windows' clock must be one that no client sets and that a replay finds unchanged.
"""

from __future__ import annotations

from typing import NamedTuple

RAW = "transactions.raw"
SCORED = "transactions.scored"
DEAD_LETTERS = "transactions.dlq"
LABELS = "transactions.labels"

_DAY_MS = 86_400_000


class Topic(NamedTuple):
    name: str
    key: str
    partitions: int | None
    """None: as many as `kafka.partitions`."""
    config: dict[str, str]


TOPICS = (
    Topic(RAW, "user_id", None, {
        "cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS), "max.message.bytes": "1048588",
        "message.timestamp.type": "LogAppendTime",
    }),
    Topic(SCORED, "user_id", None, {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}),
    Topic(DEAD_LETTERS, "as received", 1, {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}),
    Topic(LABELS, "transaction_id", 4, {"cleanup.policy": "compact,delete", "retention.ms": str(400 * _DAY_MS)}),
)  # fmt: skip
