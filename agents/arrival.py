"""Raw bytes from `transactions.raw` to a payment, or to the reason why they are none. Pure."""

from __future__ import annotations

from typing import NamedTuple

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from fraud_app.contracts.transaction import Transaction
from fraud_app.kafka.partitioner import partition_of
from ml.profile.event import Event, event_of, hash64, occurred_ms

MAX_BYTES = 65_536
REROUTED = "fraud_rerouted"
"""Header of a record that was sent home, so that it cannot circle."""


class Record(NamedTuple):
    """A message as Kafka delivered it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    """When the broker appended it."""
    rerouted: bool = False


def record_of(message: ConsumerRecord) -> Record:
    """What of a fetched message is looked at."""
    rerouted = any(name == REROUTED for name, _ in message.headers)
    return Record(message.partition, message.offset, message.key, message.value, message.timestamp, rerouted)


class Payment(NamedTuple):
    record: Record
    transaction: Transaction
    event: Event
    user_hash: int


class Misrouted(NamedTuple):
    """Sound, but in another partition than its user's: its producer used no key, another key or another partitioner."""

    record: Record
    user_id: str
    partition: int


class Invalid(NamedTuple):
    record: Record
    code: str
    detail: str


Arrival = Payment | Misrouted | Invalid


def arrival(record: Record, partitions: int, *, by_occurred: bool = False) -> Arrival:
    """What a record is. `by_occurred`: the windows' clock is the client's, for trusted back-fills only."""
    if not record.value:
        return Invalid(record, "empty", "the message has no value")
    if len(record.value) > MAX_BYTES:
        return Invalid(record, "too_large", f"{len(record.value)} bytes; at most {MAX_BYTES} are accepted")
    try:
        transaction = Transaction.model_validate_json(record.value)
    except ValidationError as error:
        return Invalid(record, *_first_fault(error))
    except RecursionError:
        return Invalid(record, "nested_too_deep", "the JSON is nested too deep")
    home = partition_of(transaction.user_id, partitions)
    if home != record.partition:
        if record.rerouted:
            return Invalid(
                record,
                "partition_mismatch",
                f"rerouted to partition {record.partition}, but belongs to {home}",
            )
        return Misrouted(record, transaction.user_id, home)
    received = occurred_ms(transaction) if by_occurred else record.timestamp_ms
    return Payment(record, transaction, event_of(transaction, received), hash64(transaction.user_id))


def _first_fault(error: ValidationError) -> tuple[str, str]:
    """Code and detail for the headers; never the value, which may be what must not be kept."""
    faults = error.errors(include_input=False, include_url=False)
    place = "/".join(str(part) for part in faults[0]["loc"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    code = "malformed" if faults[0]["type"] == "json_invalid" else "invalid"
    return code, f"{f'/{place}: ' if place else ''}{faults[0]['msg']}{more}"
