"""Scores each raw transaction once and emits its decision; bad input goes to the dead-letter topic.

A batch's source offsets are acknowledged only after the broker has all that the batch led to.
Whatever fails unexpectedly ends the process, so that nothing is acknowledged by accident; Kafka
delivers it again and the rows know what was counted.
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
from fraud_app.kafka import compat, crash
from fraud_app.kafka.consumer import WorkBatch
from fraud_app.kafka.partitioner import partition_of
from fraud_app.kafka.producer import Offsets, ProduceBatch
from fraud_app.resources import champion, config, decision_waiters, signal_store
from fraud_app.topics import DEAD_LETTERS, RAW, SCORED
from ml.serving.registry import version_in
from tables.row_cache import RowCache

_BY_OCCURRED = config.stream.clock == "occurred"
acked_offsets: dict[int, int] = {}
"""By partition, the offset up to which everything is acknowledged by the broker."""
_rows = RowCache(user_table)
_partition_of = partial(partition_of, partitions=config.kafka.partitions)
_TOTAL, _FEATURES, _MODEL = (
    metrics.SCORING_SECONDS.labels(stage) for stage in ("total", "features", "model")
)


@app.agent(transactions_raw, name="scoring")
async def score_transactions(stream: Any) -> None:
    in_flight = InFlightBatches(
        config.stream.in_flight,
        partial(crash.end_process, "what a batch sent was not acknowledged"),
    )
    await signal_store.get_ready()
    try:
        async for work in compat.work_batches(stream, config.stream.batch, _start_partition):
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
                sent = await _decide_and_send(
                    work, work.records[start:end], parsed[start:end], counts
                )
                in_flight.submit(sent)
    except Exception as error:
        crash.end_process("a batch could not be scored", error)
    finally:
        in_flight.abort()


def _start_partition(partition: Any, offset: int) -> None:
    """What lies before the committed offset is acknowledged, whatever a row still holds as pending."""
    acked_offsets[partition.partition] = offset - 1
    _rows.forget(partition.partition)


async def _decide_and_send(
    work: WorkBatch, messages: Sequence[Any], parsed: Sequence[ParsedRecord], users: Counter[str]
) -> InFlightBatch:
    inputs = [item for item in parsed if isinstance(item, ScoringInput)]
    signals = await signal_store.observe([(item.event, item.user_hash) for item in inputs])
    position = Position(config.kafka.topic_epoch, acked_offsets)
    decided = decide_batch(inputs, _rows, signals, champion.scorer, position)
    rows = {
        partition: _rows.write(partition, changed) for partition, changed in decided.rows.items()
    }
    produce = ProduceBatch(app)
    for partition, changed in rows.items():
        await user_table.send_rows(produce, partition, changed)
    scored = [
        (item, outbound.decision_message(item, decision)) for item, decision in decided.emitted
    ]
    by_partition: dict[int, list[Message]] = {}
    for item, message in scored:
        by_partition.setdefault(item.record.partition, []).append(message)
    for partition, decisions in by_partition.items():
        await produce.add(SCORED, partition, decisions)
    letters = outbound.dead_letters(parsed, decided.conflicts)
    for letter in letters:
        await produce.add_one(DEAD_LETTERS, *letter.message(__version__))
    for record in parsed:
        if isinstance(record, Misrouted):
            metrics.REROUTED.inc()
            rerouted = (record.user_id.encode(), record.record.value, [(REROUTED, b"1")])
            await produce.add(RAW, record.partition, [rerouted])

    def acknowledge(offsets: Offsets) -> None:
        user_table.rows_sent(offsets)
        for message in messages:
            acked_offsets[message.partition] = max(
                acked_offsets.get(message.partition, -1), message.offset
            )
        compat.acknowledge(app, work, messages)
        for encoded in rows.values():
            mirror.put(encoded)
        for item, (_, value, _) in scored:
            decision_waiters.resolve(item.transaction.transaction_id, value)
        _count(decided, [letter.code for letter in letters], len(messages))

    return InFlightBatch(users, produce.acknowledged(), acknowledge)


def _count(decided: DecidedBatch, dead_letters: Sequence[str], size: int) -> None:
    metrics.BATCH_SIZE.observe(size)
    for _, decision in decided.new:
        _scored(decision.decision, decision.model).inc()
        _TOTAL.observe(decision.total_us / 1e6)
        for dependency in decision.degraded:
            metrics.DEGRADED.labels(dependency).inc()
    spans = {(decision.features_us, decision.model_us) for _, decision in decided.new}
    for features_us, model_us in spans:
        _FEATURES.observe(features_us / 1e6)
        _MODEL.observe(model_us / 1e6)
    for kind in decided.redelivered:
        metrics.REDELIVERED.labels(kind.value).inc()
    for code in dead_letters:
        metrics.DEAD_LETTERS.labels(code).inc()


@cache
def _scored(decision: Decision, model: str) -> Any:
    return metrics.SCORED.labels(decision.value, version_in(model))
