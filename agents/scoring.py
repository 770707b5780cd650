"""Scores each raw transaction once and emits its decision; bad input goes to the dead-letter topic.

The source offsets of a batch are acknowledged only after the broker has everything that the batch
led to. An unexpected error ends the process, so that nothing is acknowledged by accident. Kafka
then delivers the records again, and the users' rows know what was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from agents.in_flight import InFlightBatch, InFlightBatches, split_by_user_limit
from fraud_app import __version__, metrics
from fraud_app.app import app, mirror, transactions_raw, user_table
from fraud_app.contracts.message import Message
from fraud_app.contracts.scored import Decision
from fraud_app.decisions import outbound
from fraud_app.decisions.parse import (
    REROUTED,
    Misrouted,
    ParsedRecord,
    ScoringInput,
    parse,
    record_of,
)
from fraud_app.decisions.pipeline import DecidedBatch, Position, decide_batch
from fraud_app.kafka import crash
from fraud_app.kafka.batches import acknowledge, work_batches
from fraud_app.kafka.consumer import WorkBatch
from fraud_app.kafka.partitioner import partition_of
from fraud_app.kafka.producer import Offsets, ProduceBatch
from fraud_app.resources import champion, config, decision_waiters, signal_store
from fraud_app.topics import DEAD_LETTERS, RAW, SCORED
from ml.serving.registry import version_in
from tables.row_cache import RowCache

_BY_OCCURRED = config.stream.clock == "occurred"
acked_offsets: dict[int, int] = {}
"""By partition, the offset up to which the broker has everything that the records led to."""
_rows = RowCache(user_table)
_partition_of = partial(partition_of, partitions=config.kafka.partitions)
_TOTAL, _FEATURES, _MODEL = (
    metrics.SCORING_SECONDS.labels(stage) for stage in ("total", "features", "model")
)


@app.agent(transactions_raw, name="scoring")
async def score_transactions(stream: Any) -> None:
    """Parse, decide and send each batch; several batches may wait for the broker at once."""
    in_flight = InFlightBatches(
        config.stream.in_flight,
        partial(crash.end_process, "what a batch sent was not acknowledged"),
    )
    await signal_store.get_ready()
    try:
        async for work in work_batches(stream, config.stream.batch, _start_partition):
            parsed = [
                parse(record_of(message), _partition_of, by_occurred=_BY_OCCURRED)
                for message in work.records
            ]
            users = [
                item.transaction.user_id if isinstance(item, ScoringInput) else None
                for item in parsed
            ]
            for start, end in split_by_user_limit(users):
                counts = Counter(user for user in users[start:end] if user is not None)
                await in_flight.wait_for_capacity(counts)
                batch = await _decide_and_send(
                    work, work.records[start:end], parsed[start:end], counts
                )
                in_flight.submit(batch)
    except Exception as error:
        crash.end_process("a batch could not be scored", error)
    finally:
        in_flight.abort()


def _start_partition(partition: Any, offset: int) -> None:
    """Begin with a newly assigned partition.

    Everything before the committed offset is acknowledged, even if a row still holds it as pending.
    """
    acked_offsets[partition.partition] = offset - 1
    _rows.forget(partition.partition)


async def _decide_and_send(
    work: WorkBatch, messages: Sequence[Any], parsed: Sequence[ParsedRecord], users: Counter[str]
) -> InFlightBatch:
    """Decide a part of a batch, store its rows locally and send everything that it leads to.

    `messages` and `parsed` belong together, item by item; `users` counts the decisions by user.
    """
    inputs = [item for item in parsed if isinstance(item, ScoringInput)]
    signals = await signal_store.observe([(item.event, item.user_hash) for item in inputs])
    position = Position(config.kafka.topic_epoch, acked_offsets)
    decided = decide_batch(inputs, _rows, signals, champion.scorer, position)
    rows = {
        partition: _rows.write(partition, changed) for partition, changed in decided.rows.items()
    }
    produce = ProduceBatch(app)
    for partition, encoded in rows.items():
        await user_table.send_rows(produce, partition, encoded)
    decisions = [
        (item, outbound.decision_message(item, decision)) for item, decision in decided.emitted
    ]
    await _send_decisions(produce, decisions)
    letters = outbound.dead_letters(parsed, decided.conflicts)
    for letter in letters:
        await produce.add_one(DEAD_LETTERS, *letter.message(__version__))
    await _send_rerouted(produce, parsed)

    def on_acknowledged(offsets: Offsets) -> None:
        user_table.rows_sent(offsets)
        for message in messages:
            acked_offsets[message.partition] = max(
                acked_offsets.get(message.partition, -1), message.offset
            )
        acknowledge(app, work, messages)
        for encoded in rows.values():
            mirror.put(encoded)
        for item, (_, value, _) in decisions:
            decision_waiters.resolve(item.transaction.transaction_id, value)
        _count(decided, [letter.code for letter in letters], len(messages))

    return InFlightBatch(users, produce.acknowledged(), on_acknowledged)


async def _send_decisions(
    produce: ProduceBatch, decisions: Sequence[tuple[ScoringInput, Message]]
) -> None:
    """Send each decision to the partition with the number of its record's partition."""
    by_partition: dict[int, list[Message]] = {}
    for item, message in decisions:
        by_partition.setdefault(item.record.partition, []).append(message)
    for partition, messages in by_partition.items():
        await produce.add(SCORED, partition, messages)


async def _send_rerouted(produce: ProduceBatch, parsed: Sequence[ParsedRecord]) -> None:
    """Send each misrouted transaction on to its user's partition."""
    for record in parsed:
        if isinstance(record, Misrouted):
            metrics.REROUTED.inc()
            rerouted = (record.user_id.encode(), record.record.value, [(REROUTED, b"1")])
            await produce.add(RAW, record.partition, [rerouted])


def _count(decided: DecidedBatch, dead_letters: Sequence[str], size: int) -> None:
    """Count a batch in the metrics. `dead_letters`: their codes; `size`: in records."""
    metrics.BATCH_SIZE.observe(size)
    for _, decision in decided.new:
        _scored_counter(decision.decision, decision.model).inc()
        _TOTAL.observe(decision.total_us / 1e6)
        for dependency in decision.degraded:
            metrics.DEGRADED.labels(dependency).inc()
    # Features and model are computed for many transactions at once, which share the same times.
    timings = {(decision.features_us, decision.model_us) for _, decision in decided.new}
    for features_us, model_us in timings:
        _FEATURES.observe(features_us / 1e6)
        _MODEL.observe(model_us / 1e6)
    for kind in decided.redelivered:
        metrics.REDELIVERED.labels(kind.value).inc()
    for code in dead_letters:
        metrics.DEAD_LETTERS.labels(code).inc()


@cache
def _scored_counter(decision: Decision, model: str) -> Any:
    return metrics.SCORED.labels(decision.value, version_in(model))
