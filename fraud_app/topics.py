"""The Kafka topics, which are created before any agent starts. Their names are a contract and must
never change.

Faust itself declares the changelog. The timestamp of every record is the broker's append time. In
`transactions.raw` the clock of the windows must be one that no client can set and that is the same
in a replay. In all topics a broker refuses records whose own time is more than an hour ahead: a
machine with a wrong clock could send nothing.
"""

from __future__ import annotations

from typing import NamedTuple

RAW = "transactions.raw"
SCORED = "transactions.scored"
DEAD_LETTERS = "transactions.dlq"
LABELS = "transactions.labels"

_DAY_MS = 86_400_000


BROKER_TIME = {"message.timestamp.type": "LogAppendTime"}


class Topic(NamedTuple):
    """A topic to create: its name, what its key is, and its configuration."""

    name: str
    key: str
    partitions: int | None
    """None: as many as `kafka.partitions`."""
    config: dict[str, str]


TOPICS = (
    Topic(
        RAW,
        "user_id",
        None,
        {
            "cleanup.policy": "delete",
            "retention.ms": str(7 * _DAY_MS),
            "max.message.bytes": "1048588",
            **BROKER_TIME,
        },
    ),
    Topic(
        SCORED,
        "user_id",
        None,
        {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS), **BROKER_TIME},
    ),
    Topic(
        DEAD_LETTERS,
        "as received",
        1,
        {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS), **BROKER_TIME},
    ),
    Topic(
        LABELS,
        "user_id and transaction_id, or transaction_id alone",
        4,
        {"cleanup.policy": "compact,delete", "retention.ms": str(400 * _DAY_MS), **BROKER_TIME},
    ),
)
