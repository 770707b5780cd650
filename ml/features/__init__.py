"""`compute(behaviour, event, shared)`: the model's input, one number a feature, in the order of `CATALOGUE`.

The same function runs in the agent, in `/score`, in training and in the parity test. Missing is NaN, never 0 or -1.
"""

from __future__ import annotations

from ml import latest
from ml.behaviour import Behaviour
from ml.event import Event, Shared
from ml.features import amount, card_testing, device, geo, merchant, time, velocity
from ml.features.feature import Feature

__all__ = ["CATALOGUE", "NAMES", "SHARED", "Feature", "compute"]

_GROUPS = (velocity, amount, geo, device, merchant, time, card_testing)

CATALOGUE: tuple[Feature, ...] = tuple(feature for group in _GROUPS for feature in group.FEATURES)
NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)
SHARED: tuple[int, ...] = tuple(place for place, feature in enumerate(CATALOGUE) if feature.shared)
"""Places of the features that come from the shared memory and are missing when it is away."""


def compute(behaviour: Behaviour, event: Event, shared: Shared) -> tuple[float, ...]:
    """The features of an event, given what was known before it; float64, NaN for missing."""
    lately = latest.lately(behaviour.latest, event.received_ms)
    return (
        *velocity.compute(behaviour, event, lately),
        *amount.compute(behaviour, event, lately),
        *geo.compute(behaviour, event),
        *device.compute(behaviour, event, shared),
        *merchant.compute(behaviour, event, shared),
        *time.compute(behaviour, event),
        *card_testing.compute(event, lately),
    )
