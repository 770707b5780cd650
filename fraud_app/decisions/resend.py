"""How a dead letter is sent again, or why it cannot be. Pure: nothing is read or sent here.

A transaction goes through its user's own partition with its original key and value. It is judged by
the function that the stream uses, so what would be refused again is not sent.
"""

from __future__ import annotations

from typing import NamedTuple

from fraud_app.contracts.letter_summary import LetterSummary
from fraud_app.contracts.message import Message
from fraud_app.decisions.outbound import CONFLICT
from fraud_app.decisions.parse import Invalid, Misrouted, PartitionOf, Record, parse
from fraud_app.topics import DEAD_LETTERS, LABELS, RAW, SCORED

RESENT_FROM = "fraud_resent_from"
"""Header of a record that was sent again: topic, partition and offset of its dead letter."""
MASK = "*"
"""Stands for what was masked; `contracts.card_data` writes it."""


class CannotResend(NamedTuple):
    """Why a letter cannot be sent again, as a sentence."""

    reason: str


class Resend(NamedTuple):
    """What is to be sent, and where to."""

    topic: str
    partition: int
    message: Message


def resend_of(
    letter: LetterSummary, key: bytes | None, value: bytes | None, partition_of: PartitionOf
) -> Resend | CannotResend:
    """The record of a letter, to be sent again. `key` and `value`: of the message in the topic.
    `partition_of`: the partitioner of `transactions.raw`.
    """
    if letter.topic not in (RAW, SCORED, LABELS):
        return CannotResend(f"it came from {letter.topic or 'nowhere known'}, no topic of ours")
    if letter.original_length is not None:
        return CannotResend(
            f"it was cut: {letter.original_length} bytes do not fit into a dead letter. "
            f"The record is at {letter.topic} {letter.original_partition}:"
            f"{letter.original_offset} while that is kept; have it sent again by its source"
        )
    if not value:
        return CannotResend("the record has no value")
    message: Message = (key, value, [(RESENT_FROM, f"{DEAD_LETTERS}:0:{letter.offset}".encode())])
    if letter.topic == RAW:
        partition = _partition_or_reason(letter, key, value, partition_of)
        if isinstance(partition, CannotResend):
            return partition
        return Resend(RAW, partition, message)
    if letter.original_partition is None:
        return CannotResend("it does not say which partition it came from")
    return Resend(letter.topic, letter.original_partition, message)


def _partition_or_reason(
    letter: LetterSummary, key: bytes | None, value: bytes, partition_of: PartitionOf
) -> int | CannotResend:
    """The partition of the transaction's user, or why it would not be decided."""
    if letter.code == CONFLICT[0]:
        return CannotResend(
            "another transaction with its id was decided, and that decision stands; "
            "a new id is needed"
        )
    if letter.masked and MASK in f"{letter.transaction_id}{letter.user_id}":
        return CannotResend("one of its ids was masked, because it held a card number")
    parsed = parse(Record(0, 0, key, value, 0), partition_of)
    if isinstance(parsed, Invalid):
        return CannotResend(f"it would be refused again: {parsed.code}, {parsed.detail}")
    return parsed.partition if isinstance(parsed, Misrouted) else parsed.record.partition
