"""The device, card and address: are they this user's, and who else uses them."""

from __future__ import annotations

import math

from ml.behaviour import Behaviour
from ml.event import Event, Shared
from ml.features.feature import Feature
from ml.seen import count, first_seen

FEATURES = (
    Feature("device_is_new", "device", "flag", "1 when the user was never seen with this device", "first payment from this device"),
    Feature("device_age_days", "device", "days", "since the user was first seen with this device", "device known for {value}"),
    Feature("user_devices", "device", "devices", "devices the user was seen with (at most 8)", "{value} used by this customer"),
    Feature("card_is_new", "device", "flag", "1 when the user never paid with this card", "first payment with this card"),
    Feature("user_cards", "device", "cards", "cards the user paid with (at most 4)", "{value} used by this customer"),
    Feature("device_users_7d", "device", "customers", "customers first seen on this device in the last 7 days, before now (at most 256)",
            "{value} seen on this device within 7 days", shared=True, rising=True),
    Feature("ip_users_7d", "device", "customers", "customers first seen on this address in the last 7 days, before now (at most 256)",
            "{value} seen on this address within 7 days", shared=True),
    Feature("card_users_7d", "device", "customers", "customers first seen with this card in the last 7 days, before now (at most 256)",
            "{value} seen with this card within 7 days", shared=True, rising=True),
)  # fmt: skip

SECONDS_PER_DAY = 86_400.0


def compute(behaviour: Behaviour, event: Event, shared: Shared) -> tuple[float, ...]:
    first_s = first_seen(behaviour.devices, event.device)
    known_before = behaviour.payments > 0
    return (
        float(first_s is None) if event.device and known_before else math.nan,
        max(0.0, (event.received_ms // 1000 - first_s) / SECONDS_PER_DAY) if first_s is not None else math.nan,
        float(count(behaviour.devices)),
        float(first_seen(behaviour.cards, event.card) is None) if event.card and known_before else math.nan,
        float(count(behaviour.cards)),
        shared.device_users,
        shared.ip_users,
        shared.card_users,
    )
