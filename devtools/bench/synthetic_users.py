"""A crowd of users with a past, as changelog records: what a worker recovers that lost its disk."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from devtools.bench.contenders import PARTITIONS
from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions.parse import Record, scoring_input
from fraud_app.decisions.pipeline import Position, decide_batch
from fraud_app.kafka.partitioner import partition_of
from fraud_app.settings import settings
from ml.profile.event import occurred_ms
from ml.serving import registry
from ml.serving.scorer import Scorer
from ml.simulator import Population, simulate
from tables import user_table
from tables.user_row import EMPTY, UserRow, encode

SEED, USERS, DAYS = 11, 2_000, 60
REPEATS = 200


class MemoryRows:
    """Rows in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, UserRow] = {}

    def read(self, partition: int, user_id: str) -> UserRow:
        return self.rows.get(user_id, EMPTY)


def rows_of_users_with_history() -> list[bytes]:
    """The rows of some two thousand users after two months of payments."""
    kept, scorer = MemoryRows(), _champion()
    start = datetime(2026, 7, 1, tzinfo=UTC)
    for offset, one in enumerate(simulate(Population(SEED, USERS), start, DAYS, seed=SEED)):
        _pay(kept, one.transaction, offset, scorer)
    # No offset: what the worker reads later from an empty topic must be new to them.
    return [encode(row._replace(offset=-1, pending=())) for row in kept.rows.values()]


def write(brokers: str, count: int) -> None:
    """Write the rows of so many users to the changelog."""
    rows = rows_of_users_with_history()
    known = AdminClient({"bootstrap.servers": brokers}).list_topics(timeout=10).topics
    [topic] = [name for name in known if name.endswith(f"-{user_table.NAME}-changelog")]
    producer = Producer(
        {"bootstrap.servers": brokers, "linger.ms": 50, "queue.buffering.max.messages": 500_000}
    )
    for number in range(count):
        user = f"crowd-{number:08d}"
        while True:
            try:
                producer.produce(
                    topic,
                    rows[number % len(rows)],
                    user_table.key_of(user),
                    partition_of(user, PARTITIONS),
                )
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120):
        raise RuntimeError("the broker did not take all rows")


def one_user(payments: int) -> dict[str, float]:
    """Bytes of the row of a user with so many payments, and the microseconds of another one's
    decision and its row.
    """
    kept, scorer = MemoryRows(), _champion()
    made = [
        one.transaction
        for one in simulate(
            Population(SEED, 1),
            datetime(2026, 1, 1, tzinfo=UTC),
            400,
            count=payments + 1,
            seed=SEED,
        )
    ]
    for offset, one in enumerate(made[:-1]):
        _pay(kept, one, offset, scorer)
    before = dict(kept.rows)
    started = time.perf_counter()
    for _ in range(REPEATS):
        kept.rows = dict(before)
        _pay(kept, made[-1], payments, scorer)
        data = encode(next(iter(kept.rows.values())))
    return {
        "row_bytes": len(data),
        "decision_us": round((time.perf_counter() - started) / REPEATS * 1e6),
    }


def _pay(kept: MemoryRows, transaction: dict[str, Any], offset: int, scorer: Scorer) -> None:
    sound = Transaction.model_validate(transaction)
    received = occurred_ms(sound)
    record = Record(0, offset, None, None, received)
    item = scoring_input(record, sound, received)
    decided = decide_batch([item], kept, None, scorer, Position(0, {0: offset - 1}))
    kept.rows.update(decided.rows[0])


def _champion() -> Scorer:
    model = settings().model
    return Scorer(
        registry.read(model.dir / model.name / registry.version_of(model.dir, model.name))
    )
