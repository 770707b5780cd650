"""The device, card and address: are they this user's, and who else uses them."""

from __future__ import annotations

import math

from ml.features.feature import Feature, flag
from ml.profile.event import CARD, CARD_USERS, DEVICE, DEVICE_USERS, IP_USERS, RECEIVED_MS
from ml.profile.jit import Floats, Words, jit
from ml.profile.known_entities import NEVER, first_seen
from ml.profile.layout import CARDS_SEEN, DEVICES_SEEN, PAYMENTS, count_of, start_of

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


@jit
def compute(words: Words, event: Words, shared: Floats) -> tuple[float, ...]:
    devices, cards = count_of(words, DEVICES_SEEN), count_of(words, CARDS_SEEN)
    device_s = first_seen(words, start_of(words, DEVICES_SEEN), devices, event[DEVICE])
    card_s = first_seen(words, start_of(words, CARDS_SEEN), cards, event[CARD])
    known_before = words[PAYMENTS] > 0
    return (
        flag(device_s == NEVER) if event[DEVICE] and known_before else math.nan,
        max(0.0, (event[RECEIVED_MS] // 1000 - device_s) / SECONDS_PER_DAY)
        if device_s != NEVER
        else math.nan,
        float(devices),
        flag(card_s == NEVER) if event[CARD] and known_before else math.nan,
        float(cards),
        shared[DEVICE_USERS],
        shared[IP_USERS],
        shared[CARD_USERS],
    )
