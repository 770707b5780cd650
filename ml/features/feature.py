"""What the catalogue says of one feature."""

from __future__ import annotations

from typing import NamedTuple

from ml.profile.jit import jit


class Feature(NamedTuple):
    """A feature's name, unit and meaning, and how a reason puts it into words."""

    name: str
    group: str
    unit: str
    meaning: str
    phrase: str
    """Said in a reason; `{value}` is the value, written for people in the feature's unit."""
    shared: bool = False
    categorical: bool = False
    rising: bool = False
    """More of it can only raise the risk: held to by training (monotone constraint)."""


@jit
def flag(condition: bool) -> float:
    """1 when it is so, else 0."""
    return 1.0 if condition else 0.0
