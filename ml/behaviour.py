"""What is remembered of one user, and how one transaction changes it.

`update(behaviour, event)` is the only way a behaviour changes: in the agent, in training and in every test. All parts are
bounded, so a row cannot grow with a user's speed, and kept as they are stored: `windows`, `latest` and `seen` know their bytes.
Windows run on ingest time; an event that comes late goes to the bucket of its own time, and one older than the longest window changes
no window.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ml import latest, seen, windows
from ml.event import Event
from ml.windows import HOUR_MS

# Bounds, chosen so that the largest encoded row stays under 4 KiB (tables/user_row.py checks it).
DEVICES, COUNTRIES, CARDS, MERCHANTS = 8, 6, 4, 12
HOUR_COUNT_MAX = 65_535


class Behaviour(NamedTuple):
    """The memory of one user. Times are ms since 1970; -1 when there was none."""

    first_ms: int = -1
    last_ms: int = -1
    payments: int = 0
    amount_max_cents: int = 0
    category_mask: int = 0
    latitude: float = math.nan
    longitude: float = math.nan
    place_ms: int = -1
    hours: tuple[int, ...] = (0,) * 24
    windows: tuple[bytes, ...] = windows.EMPTY
    """Packed, one each of `windows.WINDOWS`."""
    latest: bytes = b""
    """Packed, see `latest`."""
    devices: bytes = b""
    """Packed, as the three that follow, see `seen`."""
    countries: bytes = b""
    cards: bytes = b""
    merchants: bytes = b""


EMPTY = Behaviour()


def update(behaviour: Behaviour, event: Event) -> Behaviour:
    """The behaviour after the event. The event must not have been counted before: see `tables.user_row`.

    >>> from ml.event import Event
    >>> event = Event(1, 1, 60_000, 60_000, 0.0, 1250, 7, 8, 9, 6, 0, 0, 0, 52.5, 13.4, False)
    >>> once = update(EMPTY, event)
    >>> once.payments, once.amount_max_cents, latest.count(once.latest)
    (1, 1250, 1)
    """
    now, seconds = event.received_ms, event.received_ms // 1000
    placed = not math.isnan(event.latitude) and not math.isnan(event.longitude) and now >= behaviour.place_ms
    hour = event.occurred_ms // HOUR_MS % 24
    newest = max(now, behaviour.last_ms)
    return Behaviour(
        first_ms=now if behaviour.first_ms < 0 else min(behaviour.first_ms, now),
        last_ms=newest,
        payments=behaviour.payments + 1,
        amount_max_cents=max(behaviour.amount_max_cents, event.amount_cents),
        category_mask=behaviour.category_mask | 1 << event.category,
        latitude=event.latitude if placed else behaviour.latitude,
        longitude=event.longitude if placed else behaviour.longitude,
        place_ms=now if placed else behaviour.place_ms,
        hours=_count_hour(behaviour.hours, hour),
        windows=tuple(
            [
                windows.add(packed, window, now, newest, event.amount_cents)
                for packed, window in zip(behaviour.windows, windows.WINDOWS, strict=True)
            ]
        ),
        latest=latest.add(behaviour.latest, event),
        devices=seen.see(behaviour.devices, event.device, seconds, DEVICES),
        countries=seen.see(behaviour.countries, event.country, seconds, COUNTRIES),
        cards=seen.see(behaviour.cards, event.card, seconds, CARDS),
        merchants=seen.see(behaviour.merchants, event.merchant, seconds, MERCHANTS),
    )


def _count_hour(hours: tuple[int, ...], hour: int) -> tuple[int, ...]:
    if hours[hour] >= HOUR_COUNT_MAX:  # halve all, so that the shares stay
        hours = tuple(count // 2 for count in hours)
    return (*hours[:hour], hours[hour] + 1, *hours[hour + 1 :])
