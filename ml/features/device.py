"""The device, card and IP address: are they known for this user, and who else uses them."""

from __future__ import annotations

import math

from ml.features.feature import Feature, flag
from ml.profile.event import CARD, CARD_USERS, DEVICE, DEVICE_USERS, IP_USERS, RECEIVED_MS
from ml.profile.jit import Floats, Words, jit
from ml.profile.known_entities import NEVER, first_seen
from ml.profile.layout import CARDS_SEEN, DEVICES_SEEN, TRANSACTIONS, part_of

FEATURES = (
    Feature("device_is_new", "device", "flag",
            "1 when the user was never seen with this device", "first payment from this device"),
    Feature("device_age_days", "device", "days",
            "since the user was first seen with this device", "device known for {value}"),
    Feature("user_devices", "device", "devices",
            "devices the user was seen with (at most 8)", "{value} used by this customer"),
    Feature("card_is_new", "device", "flag",
            "1 when the user never paid with this card", "first payment with this card"),
    Feature("user_cards", "device", "cards",
            "cards the user paid with (at most 4)", "{value} used by this customer"),
    Feature("device_users_7d", "device", "customers",
            "customers first seen on this device in the last 7 days, before now (at most 256)",
            "{value} seen on this device within 7 days", shared=True, rising=True),
    Feature("ip_users_7d", "device", "customers",
            "customers first seen on this address in the last 7 days, before now (at most 256)",
            "{value} seen on this address within 7 days", shared=True),
    Feature("card_users_7d", "device", "customers",
            "customers first seen with this card in the last 7 days, before now (at most 256)",
            "{value} seen with this card within 7 days", shared=True, rising=True),
)  # fmt: skip

SECONDS_PER_DAY = 86_400.0


@jit
def compute(words: Words, event: Words, signals: Floats) -> tuple[float, ...]:
    """`device_is_new` (flag), `device_age_days` (days), `user_devices` (count), `card_is_new`
    (flag), `user_cards` (count), then three counts of customers of the last 7 days.

    A flag is NaN for a new user or when the field is missing; the age is NaN when the device is
    new; the counts of customers are NaN when the field is missing or Redis was unavailable.
    """
    devices, cards = part_of(words, DEVICES_SEEN), part_of(words, CARDS_SEEN)
    device_first_s = first_seen(devices, event[DEVICE])
    card_first_s = first_seen(cards, event[CARD])
    device_age_s = event[RECEIVED_MS] // 1000 - device_first_s
    has_history = words[TRANSACTIONS] > 0
    return (
        flag(device_first_s == NEVER) if event[DEVICE] and has_history else math.nan,
        max(0.0, device_age_s / SECONDS_PER_DAY) if device_first_s != NEVER else math.nan,
        float(len(devices)),
        flag(card_first_s == NEVER) if event[CARD] and has_history else math.nan,
        float(len(cards)),
        signals[DEVICE_USERS],
        signals[IP_USERS],
        signals[CARD_USERS],
    )
