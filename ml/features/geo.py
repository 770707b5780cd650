"""Where the customer is, compared with where they were and where their card is from."""

from __future__ import annotations

import math

import numpy as np

from ml.features.feature import Feature, flag
from ml.profile.event import CARD_COUNTRY, COUNTRY, LATITUDE, LONGITUDE, RECEIVED_MS
from ml.profile.jit import Words, jit
from ml.profile.known_entities import NEVER, first_seen
from ml.profile.layout import (
    COUNTRIES_SEEN,
    LAST_LATITUDE,
    LAST_LONGITUDE,
    LAST_PLACE_MS,
    TRANSACTIONS,
    part_of,
)
from ml.profile.windows import HOUR_MS

FEATURES = (
    Feature("km_from_last", "geo", "km",
            "great-circle distance from the last known place", "{value} from the last place"),
    Feature("travel_speed", "geo", "km/h",
            "speed needed to come from the last place, held at 100,000",
            "{value} needed to travel from the last place"),
    Feature("country_is_new", "geo", "flag",
            "1 when the user was never seen in this country", "first payment from this country"),
    Feature("card_country_differs", "geo", "flag",
            "1 when the card's country is not the customer's",
            "card issued in another country than the customer is in", rising=True),
)  # fmt: skip

EARTH_RADIUS_KM = 6371.0088
"""Mean radius."""
# Far above any aeroplane: a higher speed says nothing more.
MAX_SPEED_KMH = 100_000.0
# Two transactions within one second at two ends of a town are no impossible travel.
MIN_GAP_MS = 60_000


@jit
def travel_speed(km: float, gap_ms: int) -> float:
    """Speed in km/h needed for the distance in the time; NaN when the distance is unknown.

    >>> round(travel_speed(300.0, 3_600_000))
    300
    """
    return km if math.isnan(km) else min(MAX_SPEED_KMH, km * HOUR_MS / max(gap_ms, MIN_GAP_MS))


@jit
def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in km by the haversine formula (Sinnott, Sky and Telescope 68, 1984);
    NaN when one of the places is unknown. Arguments in degrees.

    >>> round(distance_km(52.52, 13.405, 48.137, 11.575))
    504
    """
    if math.isnan(lat1) or math.isnan(lon1) or math.isnan(lat2) or math.isnan(lon2):
        return math.nan
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    haversine = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(haversine)))


@jit
def compute(words: Words, event: Words) -> tuple[float, ...]:
    """`km_from_last` (km), `travel_speed` (km/h), `country_is_new` and `card_country_differs`
    (flags).

    Distance and speed are NaN when either place is unknown, a flag when a country is missing;
    `country_is_new` also for a new user.
    """
    profile, event_floats = words.view(np.float64), event.view(np.float64)
    km = distance_km(
        profile[LAST_LATITUDE],
        profile[LAST_LONGITUDE],
        event_floats[LATITUDE],
        event_floats[LONGITUDE],
    )
    country, card_country = event[COUNTRY], event[CARD_COUNTRY]
    first_s = first_seen(part_of(words, COUNTRIES_SEEN), country)
    return (
        km,
        travel_speed(km, event[RECEIVED_MS] - words[LAST_PLACE_MS]),
        flag(first_s == NEVER) if country and words[TRANSACTIONS] else math.nan,
        flag(country != card_country) if country and card_country else math.nan,
    )
