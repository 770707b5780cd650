"""Where the customer is, against where they were and where their card is from."""

from __future__ import annotations

import math

from ml.behaviour import Behaviour
from ml.event import Event
from ml.features.feature import Feature
from ml.seen import first_seen
from ml.windows import HOUR_MS

FEATURES = (
    Feature("km_from_last", "geo", "km", "great-circle distance from the last known place", "{value} from the last place"),
    Feature("travel_speed", "geo", "km/h", "speed needed to come from the last place, held at 100,000",
            "{value} needed to travel from the last place"),
    Feature("country_is_new", "geo", "flag", "1 when the user was never seen in this country", "first payment from this country"),
    Feature("card_country_differs", "geo", "flag", "1 when the card's country is not the customer's",
            "card issued in another country than the customer is in", rising=True),
)  # fmt: skip

EARTH_RADIUS_KM = 6371.0088
FASTEST_KMH = 100_000.0
# Two payments in one second from two ends of a town are no impossible travel.
LEAST_GAP_MS = 60_000


def compute(behaviour: Behaviour, event: Event) -> tuple[float, ...]:
    km = distance_km(behaviour.latitude, behaviour.longitude, event.latitude, event.longitude)
    return (
        km,
        travel_speed(km, event.received_ms - behaviour.place_ms),
        math.nan
        if not event.country or not behaviour.payments
        else float(first_seen(behaviour.countries, event.country) is None),
        math.nan if not event.country or not event.card_country else float(event.country != event.card_country),
    )


def travel_speed(km: float, gap_ms: int) -> float:
    """Speed in km/h needed for the distance in the time; NaN when the distance is unknown.

    >>> round(travel_speed(300.0, 3_600_000))
    300
    """
    return km if math.isnan(km) else min(FASTEST_KMH, km * HOUR_MS / max(gap_ms, LEAST_GAP_MS))


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance by the haversine formula (Sinnott, Sky and Telescope 68, 1984); NaN when a place is unknown.

    >>> round(distance_km(52.52, 13.405, 48.137, 11.575))
    504
    """
    if math.isnan(lat1) or math.isnan(lon1) or math.isnan(lat2) or math.isnan(lon2):
        return math.nan
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    a = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(a)))
