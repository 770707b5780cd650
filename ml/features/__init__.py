"""`compute`: the model's input, one number a feature, in the order of `CATALOGUE`.

The same function runs in the agent, in `/score`, in training and in the parity test. Missing is
NaN, never 0 or -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.features import amount, card_testing, device, geo, merchant, time, velocity
from ml.features.feature import Feature
from ml.profile.event import EVENT_WORDS, SIGNAL_WORDS, Event, Signals, signal_words, words_of
from ml.profile.jit import FLOATS, NUMBER, PACKED, WORD, Floats, array, jit, kernel
from ml.profile.layout import is_valid
from ml.profile.update import INVALID, Profile, checked

__all__ = ["CATALOGUE", "NAMES", "SHARED", "SIZE", "Feature", "Matrix", "Row", "compute"]

Row = npt.NDArray[np.float32]
"""One value a feature."""
Matrix = npt.NDArray[np.float32]
"""One row a transaction, C order."""

_GROUPS = (velocity, amount, geo, device, merchant, time, card_testing)

CATALOGUE: tuple[Feature, ...] = tuple(feature for group in _GROUPS for feature in group.FEATURES)
NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)
SHARED: tuple[int, ...] = tuple(place for place, feature in enumerate(CATALOGUE) if feature.shared)
"""Places of the features that come from the shared memory and are missing when it is away."""
SIZE = 4 * len(NAMES)
"""Bytes of one row of the model's input."""
_WIDTH = len(NAMES)


@jit
def _put(out: Floats, at: int, values: tuple[float, ...]) -> int:
    for value in values:
        out[at] = value
        at += 1
    return at


@kernel(PACKED, NUMBER, PACKED, PACKED, FLOATS)
def _compute(profile: Any, size: int, event: Any, shared: Any, out: Any) -> int:
    words, event, out = array(profile, size), array(event, EVENT_WORDS), array(out, _WIDTH)
    if not is_valid(words):
        return INVALID
    signals = array(shared, SIGNAL_WORDS).view(np.float64)
    at = _put(out, 0, velocity.compute(words, event))
    at = _put(out, at, amount.compute(words, event))
    at = _put(out, at, geo.compute(words, event))
    at = _put(out, at, device.compute(words, event, signals))
    at = _put(out, at, merchant.compute(words, event, signals))
    at = _put(out, at, time.compute(words, event))
    return _put(out, at, card_testing.compute(words, event))


def compute(asked: Sequence[tuple[Profile, Event, Signals]]) -> Matrix:
    """The features of each event, given what was known of its user before it: float32, a row an
    event, NaN for missing. Raises `ValueError` for bytes that are no profile."""
    matrix = np.empty((len(asked), _WIDTH), np.float32)
    address = matrix.ctypes.data
    for row, (profile, event, shared) in enumerate(asked):
        checked(
            _compute(
                profile,
                len(profile) // WORD,
                words_of(event),
                signal_words(shared),
                address + SIZE * row,
            )
        )
    return matrix
