"""Dead letters as text for a terminal. Their texts come without control characters from
`contracts.letter_summary`; here line ends are taken out, so that a letter cannot forge a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fraud_app.postgres.dead_letters import StoredLetter

_HEAD = ("OFFSET", "WRITTEN (UTC)", "CODE", "RECORD", "TRANSACTION", "SENT AGAIN", "WHY")


def table(letters: Sequence[StoredLetter]) -> list[str]:
    """The letters with a head, one a line."""
    rows = [_HEAD, *(_row(letter) for letter in letters)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def described(stored: StoredLetter) -> list[str]:
    """Everything about a letter but its value, one fact a line."""
    letter, resent = stored
    facts = {
        "letter": f"{letter.offset}, written at {_moment(letter.at)} UTC",
        "record": _place(letter.topic, letter.original_partition, letter.original_offset),
        "code": letter.code,
        "why": letter.detail,
        "attempts": str(letter.attempts),
        "transaction": letter.transaction_id,
        "customer": letter.user_id,
        "value": f"{letter.size} bytes{', card data masked' if letter.masked else ''}",
    }
    if letter.original_length is not None:
        facts["cut"] = f"the record had {letter.original_length} bytes"
        facts["sha256"] = letter.original_sha256
    if resent is not None:
        place = _place(letter.topic, resent.partition, resent.offset)
        facts["sent again"] = f"{_moment(resent.at)} UTC by {resent.by}, to {place}"
    return [f"{name:12} {_one_line(fact)}" for name, fact in facts.items() if fact is not None]


def _row(stored: StoredLetter) -> tuple[str, ...]:
    letter, resent = stored
    cells = (
        str(letter.offset),
        _moment(letter.at),
        letter.code,
        _place(letter.topic, letter.original_partition, letter.original_offset),
        letter.transaction_id or "-",
        _moment(resent.at) if resent else "-",
        letter.detail,
    )
    return tuple(_one_line(cell) for cell in cells)


def _place(topic: str, partition: int | None, offset: int | None) -> str:
    numbers = ("?" if number is None else str(number) for number in (partition, offset))
    return f"{topic or '?'} {':'.join(numbers)}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
