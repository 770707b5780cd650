"""What a batch sends: changed rows to the changelog, decisions, dead letters, and records that belong to another partition."""

from __future__ import annotations

from collections.abc import Sequence

from agents.arrival import Invalid, Misrouted, Payment, Record
from fraud_app import __version__
from fraud_app.contracts import card_data
from fraud_app.decisions.scored_message import scored_message, timestamp
from fraud_app.kafka.producer import Headers, Message
from fraud_app.topics import RAW
from ml.decision_record import DecisionRecord

_CLOUD_EVENT = (
    ("ce_specversion", b"1.0"),
    ("ce_type", b"fraud.transaction.scored.v1"),
    ("ce_source", b"/fraud/scoring"),
    ("content-type", b"application/json"),
)
CONFLICT = ("conflict", "another transaction with this id was decided before; the first stands")


def decision_message(payment: Payment, outcome: DecisionRecord) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers on `transactions.scored`: CloudEvents 1.0, binary mode of the Kafka binding."""
    transaction = payment.transaction
    return transaction.user_id.encode(), scored_message(transaction, outcome), [
        *_CLOUD_EVENT,
        ("ce_id", transaction.transaction_id.encode()),
        ("ce_time", timestamp(outcome.scored_ms).encode()),
    ]  # fmt: skip


def dead_letter(record: Record, code: str, detail: str, topic: str = RAW) -> Message:
    """What goes to `transactions.dlq`: the original key and value with the reason in headers. Card data in them is masked, and `dlq_masked`
    says so."""
    key, value = (part and card_data.masked(part) for part in (record.key, record.value))
    headers = [
        ("dlq_original_topic", topic.encode()),
        ("dlq_original_partition", str(record.partition).encode()),
        ("dlq_original_offset", str(record.offset).encode()),
        ("dlq_original_timestamp", str(record.timestamp_ms).encode()),
        ("dlq_error_code", code.encode()),
        ("dlq_error_message", detail.encode()[:1024]),
        ("dlq_attempts", b"1"),
        ("dlq_app_version", __version__.encode()),
    ]
    if (key, value) != (record.key, record.value):
        headers.append(("dlq_masked", b"1"))
    return key, value, headers


def refusals(
    arrivals: Sequence[Invalid | Misrouted | Payment], conflicts: Sequence[Payment]
) -> list[tuple[Record, str, str]]:
    """What goes to the dead-letter topic: record, code and detail."""
    invalid = [(one.record, one.code, one.detail) for one in arrivals if isinstance(one, Invalid)]
    return [*invalid, *((payment.record, *CONFLICT) for payment in conflicts)]
