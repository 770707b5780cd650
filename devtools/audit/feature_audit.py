"""Compares the features of the live decisions with the features that an offline replay computes.

Its input is the raw topic and the scored messages; it never changes either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import ConsumerRecord
from pydantic_core import from_json

from devtools.audit.result import AuditResult
from devtools.audit.topic_reader import read_topic
from fraud_app import topics
from fraud_app.contracts.reading import read_json
from fraud_app.contracts.transaction import Transaction
from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.kafka.partitioner import partition_of
from fraud_app.settings import Kafka
from ml.features import NAMES, SHARED
from ml.profile.event import Signals, event_time_ms
from ml.training.replay import replay

History = list[tuple[Transaction, int]]
"""Each transaction with its ingest time in ms since 1970."""


async def compare_features(
    brokers: str,
    scored: Mapping[TransactionKey, dict[str, Any]],
    result: AuditResult,
    *,
    by_occurred: bool,
) -> None:
    """Replay the raw topic and compare every feature of every decision.

    `scored`: the scored messages. `by_occurred`: whether the workers took the
    client's time as the ingest time.
    """
    history = await _read_history(brokers, by_occurred=by_occurred)
    recorded_signals = {
        key: Signals(*(_nan_if_missing(message["features"][index]) for index in SHARED))
        for key, message in scored.items()
        if message["features"] is not None
    }
    without_features = sum(transaction.key not in recorded_signals for transaction, _ in history)
    if without_features:
        result.faults.append(f"{without_features} decisions have no features")
        return
    _compare_with_replay(history, recorded_signals, scored, result)
    _compare_signals_with_ideal_order(history, recorded_signals, result)


async def _read_history(brokers: str, *, by_occurred: bool) -> History:
    """The valid transactions of the raw topic, each once, in the order of the topic."""
    history: History = []
    seen: set[TransactionKey] = set()
    for record in await read_topic(brokers, topics.RAW):
        is_rerouted = dict(record.headers or ()).get("fraud_rerouted") is not None
        if not is_rerouted and not _is_in_user_partition(record):
            continue  # the worker sent a copy to the user's own partition, and that one counts
        try:
            transaction, _ = read_json(record.value)
        except ValueError:
            continue
        if transaction.key not in seen:
            seen.add(transaction.key)
            ingest_ms = (
                event_time_ms(transaction, record.timestamp) if by_occurred else record.timestamp
            )
            history.append((transaction, ingest_ms))
    return history


def _compare_with_replay(
    history: History,
    recorded_signals: dict[TransactionKey, Signals],
    scored: Mapping[TransactionKey, dict[str, Any]],
    result: AuditResult,
) -> None:
    """Compare all features, bit for bit, with a replay that takes the recorded shared signals."""
    for replayed in replay(history, recorded_signals):
        key = replayed.transaction.key
        live = [_nan_if_missing(value) for value in scored[key]["features"]]
        offline = replayed.features.tolist()
        different = [
            name
            for name, live_value, offline_value in zip(NAMES, live, offline, strict=True)
            if not _is_equal(live_value, offline_value)
        ]
        result.features_compared += len(NAMES)
        result.features_equal += len(NAMES) - len(different)
        if different:
            result.faults.append(f"{key}: features differ: {', '.join(different)}")


def _compare_signals_with_ideal_order(
    history: History, recorded_signals: Mapping[TransactionKey, Signals], result: AuditResult
) -> None:
    """Compare the recorded shared signals with a replay in the order of time.

    They may differ without a fault: partitions are processed in parallel, so the live system does
    not see the transactions of different users in the order of time.
    """
    equal = total = 0
    for replayed in replay(sorted(history, key=lambda entry: entry[1])):
        live_signals = recorded_signals[replayed.transaction.key]
        for feature_index, live_value in zip(SHARED, live_signals, strict=True):
            equal += _is_equal(live_value, float(replayed.features[feature_index]))
            total += 1
    result.shared_equal = equal / max(total, 1)


def _is_in_user_partition(record: ConsumerRecord) -> bool:
    """Whether the record is in the partition of its user; True as well when it has no user."""
    try:
        user_id = from_json(record.value)["user_id"]
    except (ValueError, KeyError, TypeError):
        return True
    matches: bool = partition_of(user_id, Kafka().partitions) == record.partition
    return matches


def _is_equal(first: float, second: float) -> bool:
    """Equality in which NaN equals NaN: both are missing."""
    return first == second or (first != first and second != second)


def _nan_if_missing(value: float | None) -> float:
    return float("nan") if value is None else value
