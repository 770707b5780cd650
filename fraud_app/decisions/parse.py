"""Turns raw bytes from `transactions.raw` into what can be scored, or into the reason why not.

Pure. Bad input never raises: it becomes an `Invalid` record.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from fraud_app.contracts import card_data, masked_header
from fraud_app.contracts.reading import place_of, read_json, warning_of
from fraud_app.contracts.scored import InputWarning
from fraud_app.contracts.transaction import Transaction
from ml.profile.event import LATEST_SKEW_MS, Event, event_of, event_time_ms, hash64
from tables.origins import MAX_OFFSET, MAX_PARTITION, Origin

MAX_BYTES = 65_536
"""Largest message that is parsed: the API's default limit of a request body."""
REROUTED = "fraud_rerouted"
"""Header of a record that was sent on to its user's partition: `partition:offset`, where it was
read first. It is sent on only once, and a second copy is known by it.
"""
LOG_APPEND_TIME = 1
"""Kind of a timestamp that the broker has set. Every other was set by a producer, to any value."""
EARLIEST_MS = 946_684_800_000
"""The year 2000: a time of a producer before it is none."""

_ORIGIN = re.compile(rb"(\d{1,5}):(\d{1,15})")

PartitionOf = Callable[[str], int]
"""The partition that a user id belongs to."""


class Record(NamedTuple):
    """A message as Kafka delivered it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    """When the broker appended it, in ms since 1970."""
    rerouted: bool = False
    origin: Origin | None = None
    """Of a rerouted record; None when an older version sent it on."""
    timed_by_broker: bool = True
    masked: bytes = b""
    """The header that tells what was masked before it was written, see `masked_header`."""


class ConsumedMessage(Protocol):
    """The parts of a fetched message that are used; aiokafka's `ConsumerRecord` has them."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def timestamp_type(self) -> int: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...


class ScoringInput(NamedTuple):
    """A valid transaction in its user's own partition, ready to be scored."""

    record: Record
    transaction: Transaction
    event: Event
    user_hash: int
    """64-bit hash of the user id."""
    warnings: tuple[InputWarning, ...] = ()
    """Optional fields that could not be used."""


class Misrouted(NamedTuple):
    """A valid transaction in a partition that is not its user's.

    Its producer used no key, another key or another partitioner.
    """

    record: Record
    user_id: str
    partition: int
    """The partition that the user belongs to."""


class Invalid(NamedTuple):
    """A record that is no valid transaction; it goes to the dead-letter topic."""

    record: Record
    code: str
    detail: str


ParsedRecord = ScoringInput | Misrouted | Invalid


def record_of(message: ConsumedMessage) -> Record:
    """The `Record` of a fetched message."""
    record = Record(
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.timestamp,
        timed_by_broker=message.timestamp_type == LOG_APPEND_TIME,
    )
    for name, value in message.headers:
        if name == REROUTED:
            record = record._replace(rerouted=True, origin=_origin(value))
        elif name == masked_header.NAME:
            record = record._replace(masked=value or b"")
    return record


def reroute_header(record: Record) -> tuple[str, bytes]:
    """The header with which a record is sent on."""
    return REROUTED, b"%d:%d" % (record.partition, record.offset)


def _origin(value: bytes | None) -> Origin | None:
    """What `reroute_header` wrote; None for anything else."""
    match = _ORIGIN.fullmatch(value or b"")
    if match is None or int(match[1]) > MAX_PARTITION or int(match[2]) > MAX_OFFSET:
        return None
    return Origin(int(match[1]), int(match[2]))


def parse(record: Record, partition_of: PartitionOf, *, by_occurred: bool = False) -> ParsedRecord:
    """What a record holds. Never raises.

    `partition_of`: the topic's partitioner. `by_occurred`: take the client's clock as the time of
    the transaction, for trusted back-fills only.
    """
    if not record.value:
        return Invalid(record, "empty", "the message has no value")
    if len(record.value) > MAX_BYTES:
        return Invalid(
            record, "too_large", f"{len(record.value)} bytes; at most {MAX_BYTES} are accepted"
        )
    try:
        transaction, warnings = read_json(record.value)
    except ValidationError as error:
        return Invalid(record, *_first_error(error))
    except RecursionError:
        return Invalid(record, "nested_too_deep", "the JSON is nested too deep")
    if record.masked:
        told = masked_header.findings_of(record.masked)
        warnings = (*map(warning_of, told), *warnings)
    user_partition = partition_of(transaction.user_id)
    if user_partition == record.partition:
        if not record.timed_by_broker:
            record = with_possible_time(record, time.time_ns() // 1_000_000)
        ingest_ms = record.timestamp_ms
        received_ms = event_time_ms(transaction, ingest_ms) if by_occurred else ingest_ms
        return scoring_input(record, transaction, received_ms, warnings)
    if record.rerouted:
        return Invalid(
            record,
            "partition_mismatch",
            f"rerouted to partition {record.partition}, but belongs to {user_partition}",
        )
    if any(warning.problem in card_data.KINDS for warning in warnings):
        record = _without_card_data(record)
    return Misrouted(record, transaction.user_id, user_partition)


def with_possible_time(record: Record, now_ms: int) -> Record:
    """A record of a topic whose times are set by its producers. An impossible one becomes now: the
    windows of the user would never come back from the year 9999.
    """
    possible = EARLIEST_MS <= record.timestamp_ms <= now_ms + LATEST_SKEW_MS
    return record if possible else record._replace(timestamp_ms=now_ms)


def scoring_input(
    record: Record,
    transaction: Transaction,
    received_ms: int,
    warnings: tuple[InputWarning, ...] = (),
) -> ScoringInput:
    """The input of a valid transaction. `received_ms`: its time in all windows, ms since 1970."""
    return ScoringInput(
        record,
        transaction,
        event_of(transaction, received_ms),
        hash64(transaction.user_id),
        warnings,
    )


def _without_card_data(record: Record) -> Record:
    """The record as it may be written once more, with a header that tells what was masked."""
    fields, findings = card_data.masked_fields(from_json(record.value or b""))
    told = (*findings, *masked_header.findings_of(record.masked))
    [(_, masked)] = masked_header.headers_of(told)
    value = to_json(fields, inf_nan_mode="strings") if findings else record.value
    return record._replace(value=value, masked=masked)


def _first_error(error: ValidationError) -> tuple[str, str]:
    """Code and detail for the headers; never the value, which may be data that must not be kept."""
    errors = error.errors(include_input=False, include_url=False)
    pointer = "/".join(str(part) for part in place_of(errors[0]))
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    code = "malformed" if errors[0]["type"] == "json_invalid" else "invalid"
    return code, f"{f'/{pointer}: ' if pointer else ''}{errors[0]['msg']}{more}"
