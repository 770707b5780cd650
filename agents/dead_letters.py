"""Stores what may be known of each dead letter in PostgreSQL, so that it can be found by its
transaction, by its reason and by its time.
"""

from __future__ import annotations

import logging
from typing import Any

from agents.store_batches import store_messages
from fraud_app.contracts.letter_summary import LetterSummary, summary_of
from fraud_app.postgres import dead_letters
from fraud_app.sinks import dead_letters_to_store, storage

log = logging.getLogger(__name__)


@storage.agent(dead_letters_to_store, name="dead_letters")
async def store_dead_letters(stream: Any) -> None:
    """Store each dead letter once."""
    await store_messages(stream, _summary, dead_letters.store, _leave_out, "dead_letters")


def _summary(message: Any) -> LetterSummary:
    return summary_of(message.offset, message.timestamp, message.value, message.headers)


async def _leave_out(message: Any, code: str, detail: str) -> None:
    """A letter that cannot be stored stays in Kafka only: a letter about it would be the next one
    that cannot be stored, and so on for ever.
    """
    log.error(
        "dead_letter_not_stored", extra={"offset": message.offset, "code": code, "detail": detail}
    )
