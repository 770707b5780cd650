"""What is remembered of one user, and how one transaction changes it.

`update(behaviour, event)` is the only way a behaviour changes: in the agent, in training and in every test. All parts are
bounded, so a row cannot grow with a user's speed. Windows run on ingest time; an event that comes late goes to the bucket
of its own time, and one older than the longest window changes no window.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ml.event import Event

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


class Window(NamedTuple):
    """A sliding window made of equal buckets; its edge moves by one bucket."""

    name: str
    span_ms: int
    bucket_ms: int


WINDOWS = (
    Window("10m", 10 * MINUTE_MS, MINUTE_MS),
    Window("1h", HOUR_MS, 5 * MINUTE_MS),
    Window("24h", DAY_MS, HOUR_MS),
    Window("7d", 7 * DAY_MS, DAY_MS),
)

# Bounds, chosen so that the largest encoded row stays under 4 KiB (tables/user_row.py checks it).
RECENT = 32
DEVICES, COUNTRIES, CARDS, MERCHANTS = 8, 6, 4, 12
BUCKET_COUNT_MAX = 65_535
HOUR_COUNT_MAX = 65_535


class Recent(NamedTuple):
    """One of the latest transactions of a user."""

    id_hash: int
    body_hash: int
    received_ms: int
    amount_cents: int
    merchant: int
    device: int
    country: int
    declined: bool


class Bucket(NamedTuple):
    slot: int
    """Start of the bucket divided by its length."""
    payments: int
    cents: int


class Seen(NamedTuple):
    """Something this user was seen with, and when first and last (seconds since 1970)."""

    hash: int
    first_s: int
    last_s: int


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
    windows: tuple[tuple[Bucket, ...], ...] = ((),) * len(WINDOWS)
    recent: tuple[Recent, ...] = ()
    devices: tuple[Seen, ...] = ()
    countries: tuple[Seen, ...] = ()
    cards: tuple[Seen, ...] = ()
    merchants: tuple[Seen, ...] = ()


EMPTY = Behaviour()


def counts(event: Event) -> Recent:
    """What of the event is kept in the list of the latest."""
    return Recent(
        event.id_hash, event.body_hash, event.received_ms, event.amount_cents,
        event.merchant, event.device, event.country, event.declined,
    )  # fmt: skip


def update(behaviour: Behaviour, event: Event) -> Behaviour:
    """The behaviour after the event. The event must not have been counted before: see `tables.user_row`.

    >>> from ml.event import Event
    >>> event = Event(1, 1, 60_000, 60_000, 0.0, 1250, 7, 8, 9, 6, 0, 0, 0, 52.5, 13.4, False)
    >>> once = update(EMPTY, event)
    >>> once.payments, once.windows[0], once.amount_max_cents
    (1, (Bucket(slot=1, payments=1, cents=1250),), 1250)
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
            _add(buckets, window, now, newest, event.amount_cents)
            for buckets, window in zip(behaviour.windows, WINDOWS, strict=True)
        ),
        recent=(*behaviour.recent[-(RECENT - 1) :], counts(event)),
        devices=_see(behaviour.devices, event.device, seconds, DEVICES),
        countries=_see(behaviour.countries, event.country, seconds, COUNTRIES),
        cards=_see(behaviour.cards, event.card, seconds, CARDS),
        merchants=_see(behaviour.merchants, event.merchant, seconds, MERCHANTS),
    )


def in_window(buckets: tuple[Bucket, ...], window: Window, now_ms: int) -> tuple[int, int]:
    """Count and sum (cents) of the window that ends with the bucket of `now_ms`."""
    last = now_ms // window.bucket_ms
    first = last - window.span_ms // window.bucket_ms
    count = cents = 0
    for slot, payments, spent in buckets:
        if first < slot <= last:
            count += payments
            cents += spent
    return count, cents


def find(seen: tuple[Seen, ...], hash_: int) -> Seen | None:
    """The entry with this hash; None when it is unknown or the hash is that of a missing field."""
    if hash_:
        for entry in seen:
            if entry.hash == hash_:
                return entry
    return None


def _add(buckets: tuple[Bucket, ...], window: Window, now: int, newest: int, cents: int) -> tuple[Bucket, ...]:
    """The buckets, in order of their slots, with one payment more and without those that have left the window."""
    oldest = newest // window.bucket_ms - window.span_ms // window.bucket_ms
    index = now // window.bucket_ms
    if index <= oldest:
        return buckets
    start = 0
    while start < len(buckets) and buckets[start].slot <= oldest:
        start += 1
    end = len(buckets)
    while end > start and buckets[end - 1].slot > index:
        end -= 1
    if end > start and buckets[end - 1].slot == index:
        same = buckets[end - 1]
        counted = Bucket(index, min(same.payments + 1, BUCKET_COUNT_MAX), same.cents + cents)
        return (*buckets[start : end - 1], counted, *buckets[end:])
    return (*buckets[start:end], Bucket(index, 1, cents), *buckets[end:])


def _count_hour(hours: tuple[int, ...], hour: int) -> tuple[int, ...]:
    if hours[hour] >= HOUR_COUNT_MAX:  # halve all, so that the shares stay
        hours = tuple(count // 2 for count in hours)
    return (*hours[:hour], hours[hour] + 1, *hours[hour + 1 :])


def _see(seen: tuple[Seen, ...], hash_: int, seconds: int, bound: int) -> tuple[Seen, ...]:
    """Most recently seen last; the one unseen for longest goes when the bound is reached."""
    if not hash_:
        return seen
    for place, old in enumerate(seen):
        if old.hash == hash_:
            now = Seen(hash_, min(old.first_s, seconds), max(old.last_s, seconds))
            return (*seen[:place], *seen[place + 1 :], now)
    return (*seen[-(bound - 1) :], Seen(hash_, seconds, seconds))
