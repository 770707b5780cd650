"""Synthetic users with a history, written as changelog records: what a worker recovers after it
lost its disk. Also the cost of one user's row by the length of the history.
"""

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
from ml.profile.event import event_time_ms
from ml.serving import registry
from ml.serving.scorer import Scorer
from ml.simulator import Population, simulate
from tables import user_table
from tables.user_row import EMPTY, UserRow, encode

SEED, USERS, DAYS = 11, 2_000, 60
HISTORY_DAYS = 400  # enough that a single user makes the transactions asked for
REPEATS = 200  # a decision takes microseconds


class MemoryRows:
    """User rows in memory, in the place of a table."""

    def __init__(self) -> None:
        self.rows: dict[str, UserRow] = {}

    def read(self, partition: int, user_id: str) -> UserRow:
        """The row of a user, empty for a new one."""
        return self.rows.get(user_id, EMPTY)


def rows_of_users_with_history() -> list[bytes]:
    """The encoded rows of about two thousand users after two months of transactions."""
    table, scorer = MemoryRows(), _champion()
    start = datetime(2026, 7, 1, tzinfo=UTC)
    for offset, labelled in enumerate(simulate(Population(SEED, USERS), start, DAYS, seed=SEED)):
        _decide(table, labelled.transaction, offset, scorer)
    # Without an offset: the raw topic is empty at first, so each of its records must be new.
    return [encode(row._replace(offset=-1, pending=())) for row in table.rows.values()]


def write_changelog(brokers: str, count: int) -> None:
    """Write the rows of `count` users to the changelog, which must exist.

    Raises `RuntimeError` when the broker does not acknowledge all.
    """
    rows = rows_of_users_with_history()
    topics = AdminClient({"bootstrap.servers": brokers}).list_topics(timeout=10).topics
    [changelog] = [name for name in topics if name.endswith(f"-{user_table.NAME}-changelog")]
    producer = Producer(
        {"bootstrap.servers": brokers, "linger.ms": 50, "queue.buffering.max.messages": 500_000}
    )
    for number in range(count):
        user_id = f"crowd-{number:08d}"
        key, partition = user_table.key_of(user_id), partition_of(user_id, PARTITIONS)
        while True:
            try:
                producer.produce(changelog, rows[number % len(rows)], key, partition)
                break
            except BufferError:  # the queue is full: wait until the broker has taken some
                producer.poll(0.1)
    if producer.flush(120):
        raise RuntimeError("the broker did not take all rows")


def measure_history(count: int) -> dict[str, float]:
    """Bytes of the row of a user with `count` transactions and one more, and the microseconds for
    that last one's decision and row.
    """
    table, scorer = MemoryRows(), _champion()
    simulated = simulate(
        Population(SEED, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        HISTORY_DAYS,
        count=count + 1,
        seed=SEED,
    )
    *earlier, last = [labelled.transaction for labelled in simulated]
    for offset, transaction in enumerate(earlier):
        _decide(table, transaction, offset, scorer)
    rows_before = dict(table.rows)
    started = time.perf_counter()
    for _ in range(REPEATS):
        table.rows = dict(rows_before)
        _decide(table, last, count, scorer)
        row = encode(next(iter(table.rows.values())))
    return {
        "row_bytes": len(row),
        "decision_us": round((time.perf_counter() - started) / REPEATS * 1e6),
    }


def _decide(table: MemoryRows, fields: dict[str, Any], offset: int, scorer: Scorer) -> None:
    """Decide one transaction and put the user's new row into the table."""
    transaction = Transaction.model_validate(fields)
    received_ms = event_time_ms(transaction, 0)
    record = Record(0, offset, None, None, received_ms)
    item = scoring_input(record, transaction, received_ms)
    batch = decide_batch([item], table, None, scorer, Position({}, {0: offset - 1}))
    table.rows.update(batch.rows[0])


def _champion() -> Scorer:
    """The champion model of the configured registry."""
    model = settings().model
    return Scorer(registry.read_alias(model.dir, model.name))
