"""Everything that a batch leads to, as bytes, before any of it happens. Pure but for the rows read.

Whatever can fail because of a record fails here, so a batch can be thrown away and done again in
smaller parts. Nothing here may send or store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fraud_app import __version__
from fraud_app.contracts.message import Message
from fraud_app.decisions import outbound
from fraud_app.decisions.parse import Misrouted, ParsedRecord, ScoringInput
from fraud_app.decisions.pipeline import DecidedBatch, Position, Rows, decide_batch
from ml.profile.event import Signals
from ml.serving.scorer import Scorer
from tables.user_row import encode


class Effects(NamedTuple):
    """What is to be stored and sent for a batch."""

    decided: DecidedBatch
    rows: dict[int, dict[str, bytes]]
    """Encoded rows that changed, by partition and user."""
    decisions: list[tuple[ScoringInput, Message]]
    """For `transactions.scored`, in order."""
    letters: list[tuple[str, Message]]
    """For `transactions.dlq`, each with its code."""
    rerouted: list[tuple[int, Message]]
    """For `transactions.raw`, each with the partition of its user."""


def effects_of(
    parsed: Sequence[ParsedRecord],
    rows: Rows,
    signals: Sequence[Signals] | None,
    scorer: Scorer | None,
    position: Position,
) -> Effects:
    """The effects of parsed records. `signals`: across users, one a `ScoringInput`; None without
    Redis. Raises whatever a record makes fail.
    """
    inputs = [item for item in parsed if isinstance(item, ScoringInput)]
    decided = decide_batch(inputs, rows, signals, scorer, position)
    return Effects(
        decided,
        {
            partition: {user: encode(row) for user, row in changed.items()}
            for partition, changed in decided.rows.items()
        },
        [
            (
                item,
                outbound.decision_message(
                    item, decision, position.assignments.get(item.record.partition)
                ),
            )
            for item, decision in decided.emitted
        ],
        [
            (letter.code, letter.message(__version__))
            for letter in outbound.dead_letters(parsed, decided.conflicts)
        ],
        [
            (item.partition, outbound.rerouted_message(item))
            for item in parsed
            if isinstance(item, Misrouted)
        ],
    )
