"""Whose fault an exception is: a record's, or ours. Pure.

A record that fails while others succeed is at fault and goes to the dead-letter topic. When a plain
transaction fails as well, or one user after the other fails alike, the fault is ours: nothing may
be dead-lettered then, or a bad model would throw away a shop's payments.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from fraud_app.contracts.transaction import Transaction
from fraud_app.decisions.effects import effects_of
from fraud_app.decisions.parse import Record, scoring_input
from fraud_app.decisions.pipeline import Position
from ml.serving.scorer import Scorer
from tables.user_row import EMPTY, UserRow

MAX_USERS_ALIKE = 5
"""So many users in a row, with no record between them that could be decided, are no coincidence."""
_PROBE = Transaction.model_validate(
    {
        "transaction_id": "probe",
        "user_id": "probe",
        "amount": "10.00",
        "currency": "EUR",
        "merchant_id": "probe",
    }
)


class _NoRows:
    """Nobody was ever seen."""

    def read(self, partition: int, user_id: str) -> UserRow:
        return EMPTY


def place_of(error: BaseException) -> str:
    """Exception class and the line that raised it; never its message, which may
    repeat the data.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    frame = frames[-1]
    file = "/".join(frame.filename.rsplit("/", 2)[-2:])
    return f"{type(error).__name__} in {file}:{frame.lineno}"


def decide_probe(scorer: Scorer | None, now_ms: int) -> None:
    """Take a plain transaction of nobody the whole way, without any effect. Raises what fails."""
    item = scoring_input(Record(0, 0, None, None, now_ms), _PROBE, now_ms)
    effects_of([item], _NoRows(), None, scorer, Position({}, {}))


class FaultFinder:
    """Fed with what fails and what succeeds; says whether the last failure is ours."""

    def __init__(self, probe: Callable[[], None]) -> None:
        self._probe = probe
        self._place = ""
        self._users: set[str] = set()

    def succeeded(self) -> None:
        """A record was decided: what failed before was the fault of those records."""
        self._users.clear()

    def is_ours(self, error: Exception, user: str) -> bool:
        """Whether this failure is our fault. `user`: whose record it is, or any key that tells the
        sources of records apart.
        """
        place = place_of(error)
        if place != self._place:
            self._place = place
            self._users.clear()
        self._users.add(user)
        if len(self._users) >= MAX_USERS_ALIKE:
            return True
        try:
            self._probe()
        except Exception:
            return True
        return False
