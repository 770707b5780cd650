"""Scores each raw transaction once and emits its decision; bad input goes to the dead-letter topic.

The source offsets of a batch are acknowledged only after the broker has everything that the batch
led to. No record can stop its partition: one that cannot be processed is found, tried once more
alone, and becomes a dead letter. When the fault is ours, nothing is dead-lettered: scoring stops
and says so until it works again. A broker that is away is waited for. Only what is neither (the
disk, the memory) ends the process; Kafka then delivers the records again, and the users' rows know
what was counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from agents.batch_metrics import count_batch
from agents.in_flight import InFlightBatch, InFlightBatches, split_by_user_limit
from agents.isolation import process_in_halves
from agents.source_epochs import SourceEpochs
from fraud_app import __version__, metrics
from fraud_app.app import app, mirror, transactions_raw, user_table
from fraud_app.contracts.message import Header, Message
from fraud_app.decisions import outbound
from fraud_app.decisions.assignment import Assignment
from fraud_app.decisions.effects import Effects, effects_of
from fraud_app.decisions.faults import FaultFinder, decide_probe, place_of
from fraud_app.decisions.parse import ParsedRecord, ScoringInput, parse, record_of
from fraud_app.decisions.pipeline import Position
from fraud_app.kafka import crash
from fraud_app.kafka.batches import acknowledge, drop, work_batches
from fraud_app.kafka.membership import MembershipLost
from fraud_app.kafka.partitioner import partition_of
from fraud_app.kafka.producer import Offsets, ProduceBatch
from fraud_app.kafka.rewind import pass_over
from fraud_app.kafka.work import WorkBatch
from fraud_app.resources import (
    champion,
    config,
    decision_waiters,
    scoring_state,
    signal_store,
)
from fraud_app.topics import RAW, SCORED
from tables.row_cache import RowCache

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""While the fault is ours: a repaired model is in use within a second, see `CHECK_ALIAS_S`."""
TRIES = 2
"""A record fails with its batch, and alone, before it is refused."""

_BY_OCCURRED = config.stream.clock == "occurred"
acked_offsets: dict[int, int] = {}
"""By partition, the offset up to which the broker has everything that the records led to."""
_assignments: dict[int, Header] = {}
source_epochs = SourceEpochs(app, user_table, config.kafka.topic_epoch)
_rows = RowCache(user_table)
_partition_of = partial(partition_of, partitions=config.kafka.partitions)
_faults = FaultFinder(lambda: decide_probe(champion.scorer, time.time_ns() // 1_000_000))


class Item(NamedTuple):
    """A record and what it was parsed to; None when parsing failed for a reason of ours."""

    message: Any
    parsed: ParsedRecord | None
    user: str | None
    """The user whose row it changes; None when it changes none."""


class Prepared(NamedTuple):
    """What items lead to, and how many decisions each user gets."""

    effects: Effects
    users: Counter[str]


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
            await scoring_state.topic_usable()
            steps = _Steps(work, in_flight)
            try:
                for records, begins in source_epochs.pieces(work.records):
                    if begins is not None:
                        await source_epochs.begin(begins, in_flight.wait_until_empty, _restart)
                    decidable = source_epochs.decidable(records)
                    await _process([_item_of(message) for message in decidable], steps)
                    if len(decidable) < len(records):
                        pass_over(app, work, len(records) - len(decidable))
            except MembershipLost:
                log.warning("membership_lost", extra={"records": len(work.records)})
                metrics.MEMBERSHIP_LOST.inc()
                drop(app, work)
    except Exception as error:
        crash.end_process("a batch could not be scored", error)
    finally:
        in_flight.abort()


async def _process(items: Sequence[Item], steps: _Steps) -> None:
    for start, end in split_by_user_limit([item.user for item in items]):
        await process_in_halves(items[start:end], steps.prepare, steps.apply, steps.refuse)


def _start_partition(partition: Any, offset: int) -> None:
    """Begin with a newly assigned partition.

    Everything before the committed offset is acknowledged, even if a row still holds it as pending.
    """
    _restart(partition.partition, offset)
    _assignments[partition.partition] = Assignment(
        app.consumer_generation_id, time.time_ns() // 1_000_000
    ).header()
    _rows.forget(partition.partition)
    source_epochs.start_partition(partition.partition)


def _restart(partition: int, offset: int) -> None:
    """The next record of a partition is the one at this offset; those before it are done."""
    acked_offsets[partition] = offset - 1


def _parse(message: Any) -> ParsedRecord:
    return parse(record_of(message), _partition_of, by_occurred=_BY_OCCURRED)


def _item_of(message: Any) -> Item:
    try:
        parsed = _parse(message)
    except Exception:
        log.exception("not_parsed", extra={"offset": message.offset})
        return Item(message, None, None)
    user = parsed.transaction.user_id if isinstance(parsed, ScoringInput) else None
    return Item(message, parsed, user)


class _Steps:
    """What is done with the items of one batch of work."""

    def __init__(self, work: WorkBatch, in_flight: InFlightBatches) -> None:
        self._work, self._in_flight = work, in_flight

    async def prepare(self, items: Sequence[Item]) -> Prepared:
        """The effects of items, without any effect yet. Raises what a record makes fail."""
        users = Counter([item.user for item in items if item.user is not None])
        await self._in_flight.wait_for_capacity(users)
        parsed = [item.parsed or _parse(item.message) for item in items]
        inputs = [item for item in parsed if isinstance(item, ScoringInput)]
        signals = await signal_store.observe([(item.event, item.user_hash) for item in inputs])
        position = Position(source_epochs.epochs, acked_offsets, _assignments)
        return Prepared(effects_of(parsed, _rows, signals, champion.scorer, position), users)

    async def apply(self, items: Sequence[Item], prepared: Prepared) -> None:
        """Store the rows locally and send everything; acknowledge when the broker has it. Raises
        `MembershipLost` before any of it when another worker may decide the same records.
        """
        await app.membership.require()
        effects = prepared.effects
        for partition, rows in effects.rows.items():
            _rows.write(partition, rows)
        produce = ProduceBatch(app)
        for partition, rows in effects.rows.items():
            await user_table.send_rows(produce, partition, rows)
        await _send_decisions(produce, effects.decisions)
        await produce.add_dead_letters([letter for _, letter in effects.letters])
        for partition, rerouted in effects.rerouted:
            metrics.REROUTED.inc()
            await produce.add(RAW, partition, [rerouted])
        messages = [item.message for item in items]

        def on_acknowledged(offsets: Offsets) -> None:
            user_table.rows_sent(offsets)
            self._acknowledge(messages)
            for rows in effects.rows.values():
                mirror.put(rows)
            if decision_waiters:
                _answer_waiters(effects.decisions)
            count_batch(effects.decided, [code for code, _ in effects.letters], len(messages))

        batch = InFlightBatch(prepared.users, produce.acknowledged(), on_acknowledged)
        self._in_flight.submit(batch)
        if effects.decided.new:
            _faults.succeeded()
            scoring_state.stopped = ""

    async def refuse(self, item: Item, error: Exception) -> bool:
        """Send a record that failed alone to the dead-letter topic, and wait until it is there: no
        later record of its user may be applied before. When the fault is ours, wait and let it be
        tried again. Raises `MembershipLost` as `apply` does.
        """
        await app.membership.require()
        record = record_of(item.message)
        key = (item.message.key or b"").hex()
        log.error(
            "record_failed",
            extra={"partition": record.partition, "offset": record.offset, "at": place_of(error)},
            exc_info=error,
        )
        if _faults.is_ours(error, item.user or key):
            scoring_state.stopped = f"transactions fail alike: {place_of(error)}"
            log.critical("scoring_stopped", extra={"reason": scoring_state.stopped})
            await asyncio.sleep(RETRY_S)
            return False
        detail = f"{place_of(error)}, tried {TRIES} times"
        letter = outbound.dead_letter(record, "unprocessable", detail, attempts=TRIES)
        produce = ProduceBatch(app)
        await produce.add_dead_letters([letter.message(__version__)])
        sent = produce.acknowledged()

        def on_acknowledged(_: Offsets) -> None:
            self._acknowledge([item.message])
            metrics.DEAD_LETTERS.labels("unprocessable").inc()

        self._in_flight.submit(InFlightBatch(Counter(), sent, on_acknowledged))
        await asyncio.wait([sent])
        return True

    def _acknowledge(self, messages: Sequence[Any]) -> None:
        for message in messages:
            acked_offsets[message.partition] = max(
                acked_offsets.get(message.partition, -1), message.offset
            )
        acknowledge(app, self._work, messages)


def _answer_waiters(decisions: Sequence[tuple[ScoringInput, Message]]) -> None:
    for item, (_, value, _) in decisions:
        decision_waiters.resolve(item.transaction.key, value or b"")


async def _send_decisions(
    produce: ProduceBatch, decisions: Sequence[tuple[ScoringInput, Message]]
) -> None:
    """Send each decision to the partition with the number of its record's partition."""
    by_partition: dict[int, list[Message]] = {}
    for item, message in decisions:
        by_partition.setdefault(item.record.partition, []).append(message)
    for partition, messages in by_partition.items():
        await produce.add(SCORED, partition, messages)
