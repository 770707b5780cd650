"""The messages that a batch leads to: decisions and dead letters. Pure: nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence

from fraud_app.contracts import masked_header
from fraud_app.contracts.dead_letter import DeadLetter
from fraud_app.contracts.message import Header, Headers, Message
from fraud_app.decisions.parse import (
    Invalid,
    Misrouted,
    ParsedRecord,
    Record,
    ScoringInput,
    reroute_header,
)
from fraud_app.decisions.scored_message import scored_message, timestamp
from fraud_app.topics import RAW
from ml.decision_record import DecisionRecord

_CLOUD_EVENT = (
    ("ce_specversion", b"1.0"),
    ("ce_type", b"fraud.transaction.scored.v1"),
    ("ce_source", b"/fraud/scoring"),
    ("content-type", b"application/json"),
)
CONFLICT = ("conflict", "another transaction with this id was decided before; the first stands")


def decision_message(
    item: ScoringInput, decision: DecisionRecord, assignment: Header | None = None
) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers for `transactions.scored`.

    The headers are CloudEvents 1.0, in the binary mode of the Kafka binding, and `assignment`, the
    one of the assignment during which the decision is sent.
    """
    transaction = item.transaction
    headers: Headers = [
        *_CLOUD_EVENT,
        ("ce_id", transaction.transaction_id.encode()),
        ("ce_time", timestamp(decision.scored_ms).encode()),
    ]
    if assignment is not None:
        headers.append(assignment)
    message = scored_message(transaction, decision, item.warnings)
    return transaction.user_id.encode(), message, headers


def rerouted_message(misrouted: Misrouted) -> Message:
    """The record as it came, but for card data, for the partition of its user: with the user id as
    its key, where it was read first, and what was masked.
    """
    record = misrouted.record
    masked = [(masked_header.NAME, record.masked)] if record.masked else []
    return misrouted.user_id.encode(), record.value, [reroute_header(record), *masked]


def dead_letter(
    record: Record, code: str, detail: str, topic: str = RAW, attempts: int = 1
) -> DeadLetter:
    """The dead letter of a record. `code` and `detail` say why it was not accepted; `attempts`: how
    often it was tried.
    """
    return DeadLetter(
        topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        record.key,
        record.value,
        code,
        detail,
        attempts,
    )


def dead_letters(
    parsed: Sequence[ParsedRecord], conflicts: Sequence[ScoringInput]
) -> list[DeadLetter]:
    """The dead letters of a batch: its invalid records, and its conflicts with earlier ids."""
    return [
        *(
            dead_letter(record.record, record.code, record.detail)
            for record in parsed
            if isinstance(record, Invalid)
        ),
        *(dead_letter(item.record, *CONFLICT) for item in conflicts),
    ]
