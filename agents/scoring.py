"""Scores each raw transaction once and emits its decision; bad input goes to the dead-letter topic.

A batch's source offsets are acknowledged only after the broker has all that the batch led to. Whatever fails unexpectedly ends the
process, so that nothing is acknowledged by accident; Kafka delivers it again and the rows know what was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from agents import emitting
from agents.arrival import REROUTED, Arrival, Misrouted, Payment, arrival, record_of
from agents.decider import Decided, decide
from agents.in_flight import Flight, InFlight, parts
from fraud_app import metrics
from fraud_app.app import app, config, decision_waiters, mirror, model, shared_signals, transactions_raw, user_table
from fraud_app.contracts.scored import Decision
from fraud_app.kafka import compat, crash
from fraud_app.kafka.consumer import WorkBatch
from fraud_app.kafka.producer import Message, Offsets, ProduceBatch
from fraud_app.topics import DEAD_LETTERS, RAW, SCORED
from ml.serving.registry import version_in
from tables.row_cache import RowCache

_BY_OCCURRED = config.stream.clock == "occurred"
settled: dict[int, int] = {}
"""By partition, the offset up to which everything is acknowledged by the broker."""
_rows = RowCache(user_table)
_TOTAL, _FEATURES, _MODEL = (metrics.SCORING_SECONDS.labels(stage) for stage in ("total", "features", "model"))


@app.agent(transactions_raw, name="scoring")
async def score_transactions(stream: Any) -> None:
    flights = InFlight(config.stream.in_flight, partial(crash.end_process, "what a batch sent was not acknowledged"))
    await shared_signals.get_ready()
    try:
        async for taken in compat.work_batches(stream, config.stream.batch, _began):
            arrivals = [
                arrival(record_of(message), config.kafka.partitions, by_occurred=_BY_OCCURRED)
                for message in taken.records
            ]
            users = [one.transaction.user_id if isinstance(one, Payment) else None for one in arrivals]
            for start, end in parts(users):
                of_part = Counter(user for user in users[start:end] if user is not None)
                await flights.room(of_part)
                flights.take_off(await _take_off(taken, taken.records[start:end], arrivals[start:end], of_part))
    except Exception as error:
        crash.end_process("a batch could not be scored", error)
    finally:
        flights.ground()


def _began(partition: Any, offset: int) -> None:
    """What lies before the committed offset is acknowledged, whatever a row still holds as pending."""
    settled[partition.partition] = offset - 1
    _rows.forget(partition.partition)


async def _take_off(
    taken: WorkBatch, messages: Sequence[Any], arrivals: Sequence[Arrival], users: Counter[str]
) -> Flight:
    payments = [one for one in arrivals if isinstance(one, Payment)]
    shared = await shared_signals.observe([(payment.event, payment.user_hash) for payment in payments])
    decided = decide(payments, _rows, shared, model.scorer, config.kafka.topic_epoch, settled)
    changed = {partition: _rows.write(partition, rows) for partition, rows in decided.rows.items()}
    delivery = ProduceBatch(app)
    for partition, rows in changed.items():
        await user_table.send_rows(delivery, partition, rows)
    scored = [(payment, emitting.decision_message(payment, outcome)) for payment, outcome in decided.emitted]
    by_partition: dict[int, list[Message]] = {}
    for payment, message in scored:
        by_partition.setdefault(payment.record.partition, []).append(message)
    for partition, decisions in by_partition.items():
        await delivery.add(SCORED, partition, decisions)
    refused = emitting.refusals(arrivals, decided.conflicts)
    for record, code, detail in refused:
        await delivery.add_one(DEAD_LETTERS, *emitting.dead_letter(record, code, detail))
    for one in arrivals:
        if isinstance(one, Misrouted):
            metrics.REROUTED.inc()
            await delivery.add(RAW, one.partition, [(one.user_id.encode(), one.record.value, [(REROUTED, b"1")])])

    def done(offsets: Offsets) -> None:
        user_table.rows_sent(offsets)
        for message in messages:
            settled[message.partition] = max(settled.get(message.partition, -1), message.offset)
        compat.acknowledge(app, taken, messages)
        for encoded in changed.values():
            mirror.put(encoded)
        for payment, (_, value, _) in scored:
            decision_waiters.resolve(payment.transaction.transaction_id, value)
        _count(decided, [code for _, code, _ in refused], len(messages))

    return Flight(users, delivery.acknowledged(), done)


def _count(decided: Decided, refused: Sequence[str], size: int) -> None:
    metrics.BATCH_SIZE.observe(size)
    for _, outcome in decided.new:
        _scored(outcome.decision, outcome.model).inc()
        _TOTAL.observe(outcome.total_us / 1e6)
        for dependency in outcome.degraded:
            metrics.DEGRADED.labels(dependency).inc()
    for features_us, model_us in {(outcome.features_us, outcome.model_us) for _, outcome in decided.new}:
        _FEATURES.observe(features_us / 1e6)
        _MODEL.observe(model_us / 1e6)
    for kind in decided.redelivered:
        metrics.MEETINGS.labels(kind.value).inc()
    for code in refused:
        metrics.DEAD_LETTERS.labels(code).inc()


@cache
def _scored(decision: Decision, model: str) -> Any:
    return metrics.SCORED.labels(decision.value, version_in(model))
