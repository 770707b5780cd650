"""Looks at dead letters and sends them again: what `fraud dlq` and the operations page share.

A letter is locked in its table, sent, and marked when the broker has it, so two people cannot send
the same one. After a crash between the two it may be sent again: the user's row and the check for a
stored decision then keep it one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, NamedTuple

from fraud_app.contracts.letter_summary import LetterSummary, masked_start, time_of
from fraud_app.contracts.message import Message
from fraud_app.decisions.parse import PartitionOf
from fraud_app.decisions.resend import CannotResend, Resend, resend_of
from fraud_app.postgres import dead_letters as table
from fraud_app.postgres.dead_letters import Connection, Resent, StoredLetter
from fraud_app.topics import RAW

MAX_SHOWN = 65_536
"""Bytes of a value that are shown: as many as a transaction may have."""
Read = Callable[[int], Awaitable[Any]]
"""The message at this offset of `transactions.dlq`; None when Kafka keeps it no more."""
Send = Callable[[str, int, Message], Awaitable[int]]
"""Sends a message to a topic and a partition, and returns its offset when the broker has it."""


class Outcome(StrEnum):
    RESENT = "resent"
    ALREADY_RESENT = "already_resent"
    REFUSED = "refused"
    NOT_FOUND = "not_found"


class ResendResult(NamedTuple):
    """What became of one letter that was to be sent again."""

    offset: int
    """Of the letter."""
    outcome: Outcome
    detail: str
    """For people."""


class LetterContent(NamedTuple):
    """Key and value of a letter, card data masked; None when Kafka keeps it no more."""

    key: str | None
    value: str | None
    cannot_resend: str | None
    """Why it cannot be sent again; None when it can."""


def content_of(stored: StoredLetter, record: Any, partition_of: PartitionOf) -> LetterContent:
    """What is in a letter. `record`: the message at its offset, if Kafka has one."""
    planned = _planned(stored.summary, record, partition_of)
    cannot = planned.reason if isinstance(planned, CannotResend) else None
    if stored.resent is not None:
        cannot = _sent_before(stored.summary, stored.resent)
    if not _is_of(record, stored.summary):
        return LetterContent(None, None, cannot)
    key, value = (masked_start(part or b"", MAX_SHOWN) for part in (record.key, record.value))
    return LetterContent(key, value, cannot)


async def resend(
    connection: Connection,
    offset: int,
    by: str,
    read: Read,
    send: Send,
    partition_of: PartitionOf,
) -> ResendResult:
    """Send the letter at this offset again, unless that was done or cannot be. `by`: who asks.

    Raises what `read`, `send` and the database raise; then the letter counts as not sent.
    """
    async with connection.transaction():
        stored = await table.lock(connection, offset)
        if stored is None:
            return ResendResult(offset, Outcome.NOT_FOUND, "no such dead letter is stored")
        letter, resent = stored
        if resent is not None:
            return ResendResult(offset, Outcome.ALREADY_RESENT, _sent_before(letter, resent))
        if letter.topic == RAW and await table.is_decided(connection, letter):
            return ResendResult(
                offset, Outcome.REFUSED, "a transaction of this customer with its id was decided"
            )
        planned = _planned(letter, await read(offset), partition_of)
        if isinstance(planned, CannotResend):
            return ResendResult(offset, Outcome.REFUSED, planned.reason)
        sent_to = await send(*planned)
        await table.mark_resent(connection, letter, by, planned.partition, sent_to)
    return ResendResult(
        offset, Outcome.RESENT, f"it is at {planned.topic} {planned.partition}:{sent_to}"
    )


def _planned(
    letter: LetterSummary, record: Any, partition_of: PartitionOf
) -> Resend | CannotResend:
    if not _is_of(record, letter):
        return CannotResend("Kafka does not keep it any more")
    return resend_of(letter, record.key, record.value, partition_of)


def _is_of(record: Any, letter: LetterSummary) -> bool:
    """Whether this is the message of the letter; in a topic that was made anew it is another."""
    return record is not None and time_of(record.timestamp) == letter.at


def _sent_before(letter: LetterSummary, resent: Resent) -> str:
    place = f"{letter.topic} {resent.partition}:{resent.offset}"
    return f"{resent.by} sent it again at {resent.at:%Y-%m-%d %H:%M:%S} UTC; it is at {place}"
