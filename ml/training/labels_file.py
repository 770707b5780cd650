"""The labels of a file, for a history that is read from files: what is known of each transaction in
the end, and since when.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from fraud_app.contracts.label import FraudLabel

Parsed = TypeVar("Parsed")

Key = tuple[str | None, str]
"""Customer, if the label names one, and transaction."""


class FileLabel(FraudLabel):
    """One line. `is_fraud` may be written as shops do: true, 1, yes, Y; false, 0, no, N."""

    labelled_at: datetime | None = None
    """When it became known; without a zone in UTC, and without a time never before training."""
    scenario: str | None = None

    @property
    def at_ms(self) -> float:
        """Ms since 1970; infinite without a time."""
        if self.labelled_at is None:
            return math.inf
        zone = self.labelled_at.tzinfo or UTC
        return self.labelled_at.replace(tzinfo=zone).timestamp() * 1000


class Known(NamedTuple):
    """What is known of a transaction in the end."""

    is_fraud: bool
    reported_ms: float
    """When it was first called fraud, ms since 1970; infinite when that is unknown."""
    scenario: str


def read(labels: Path) -> dict[Key, Known]:
    """What is known by each key. Raises `ValueError` that names the file and the line."""
    by_key: dict[Key, list[FileLabel]] = defaultdict(list)
    for label in parsed_lines(labels, FileLabel.model_validate_json):
        by_key[label.user_id, label.transaction_id].append(label)
    return {key: known_of(words) for key, words in by_key.items()}


def known_of(labels: Sequence[FileLabel]) -> Known:
    """The last word counts: a dispute that was won clears. A chargeback that is sent again keeps
    its first time. Of words at the same time the later line counts.

    >>> lines = [("2026-03-01", True), ("2026-03-02", True), ("2026-03-09", False)]
    >>> words = [
    ...     FileLabel(transaction_id="t", is_fraud=is_fraud, labelled_at=datetime.fromisoformat(at))
    ...     for at, is_fraud in lines
    ... ]
    >>> known_of(words).is_fraud
    False
    >>> known_of(words[:2]).reported_ms == words[0].at_ms
    True
    """
    words = sorted(labels, key=lambda label: label.at_ms)
    last = words[-1]
    reported_ms = math.inf
    for word in reversed(words):
        if not word.is_fraud:
            break
        reported_ms = word.at_ms
    return Known(last.is_fraud, reported_ms, last.scenario or "")


def parsed_lines(file: Path, parse: Callable[[bytes], Parsed]) -> Iterator[Parsed]:
    """Each line that is not empty, parsed. Raises `ValueError` that names the file and the line
    when `parse` raises a `ValidationError`.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield parse(line)
            except ValidationError as error:
                wrong = error.errors(include_url=False, include_input=False, include_context=False)
                place = ".".join(map(str, wrong[0]["loc"]))
                raise ValueError(
                    f"{file}, line {number}: {place + ': ' if place else ''}{wrong[0]['msg']}"
                ) from None
