"""What the catalogue says about one feature."""

from __future__ import annotations

from typing import NamedTuple

from ml.profile.jit import jit


class Feature(NamedTuple):
    """A feature's name, unit and meaning, and the phrase for it in a reason."""

    name: str
    group: str
    unit: str
    meaning: str
    phrase: str
    """Text of a reason; `{value}` stands for the value, formatted in the feature's unit."""
    shared: bool = False
    """Comes from the signals that cross users, so it is missing when Redis is unavailable."""
    categorical: bool = False
    rising: bool = False
    """A larger value can only raise the risk; training enforces it (monotone constraint)."""


@jit
def flag(condition: bool) -> float:
    """1 when the condition holds, else 0."""
    return 1.0 if condition else 0.0
