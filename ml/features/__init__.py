"""The model's input: `compute` gives one number for each feature, in the order of `CATALOGUE`.

The same function runs in the agent, in `/score`, in training and in the parity test. A missing
value is NaN, never 0 or -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.features import amount, card_testing, device, geo, merchant, time, velocity
from ml.features.feature import Feature
from ml.profile.event import EVENT_WORDS, SIGNAL_WORDS, Event, Signals, pack_event, pack_signals
from ml.profile.jit import INTEGER, READ_WORDS, WORD, WRITE_FLOATS, Floats, array, jit, kernel
from ml.profile.layout import is_valid
from ml.profile.update import INVALID, Profile, checked

__all__ = ["CATALOGUE", "NAMES", "ROW_BYTES", "SHARED", "Feature", "Matrix", "Row", "compute"]

Row = npt.NDArray[np.float32]
"""One value for each feature."""
Matrix = npt.NDArray[np.float32]
"""One row for each transaction, C order."""

_GROUPS = (velocity, amount, geo, device, merchant, time, card_testing)

CATALOGUE: tuple[Feature, ...] = tuple(feature for group in _GROUPS for feature in group.FEATURES)
NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)
SHARED: tuple[int, ...] = tuple(index for index, feature in enumerate(CATALOGUE) if feature.shared)
"""Columns of the features that come from Redis; they are missing when it is unavailable."""
ROW_BYTES = 4 * len(NAMES)
"""Bytes of one row of the model's input."""
_WIDTH = len(NAMES)


@jit
def _write(out: Floats, to: int, values: tuple[float, ...]) -> int:
    """Write the values from index `to` on; the index behind the last one."""
    for value in values:
        out[to] = value
        to += 1
    return to


@kernel(READ_WORDS, INTEGER, READ_WORDS, READ_WORDS, WRITE_FLOATS)
def _compute(profile: Any, size: int, event: Any, shared: Any, out: Any) -> int:
    """Write one row of features to `out`; its length, or `INVALID`."""
    words, event, out = array(profile, size), array(event, EVENT_WORDS), array(out, _WIDTH)
    if not is_valid(words):
        return INVALID
    signals = array(shared, SIGNAL_WORDS).view(np.float64)
    to = _write(out, 0, velocity.compute(words, event))
    to = _write(out, to, amount.compute(words, event))
    to = _write(out, to, geo.compute(words, event))
    to = _write(out, to, device.compute(words, event, signals))
    to = _write(out, to, merchant.compute(words, event, signals))
    to = _write(out, to, time.compute(words, event))
    return _write(out, to, card_testing.compute(words, event))


def compute(inputs: Sequence[tuple[Profile, Event, Signals]]) -> Matrix:
    """The features of each event, given its user's profile before it and the signals that cross
    users: float32, (events, features), NaN for missing. Raises `ValueError` for bytes that are no
    profile.
    """
    matrix = np.empty((len(inputs), _WIDTH), np.float32)
    address = matrix.ctypes.data
    for row, (profile, event, signals) in enumerate(inputs):
        size, row_address = len(profile) // WORD, address + ROW_BYTES * row
        checked(_compute(profile, size, pack_event(event), pack_signals(signals), row_address))
    return matrix
