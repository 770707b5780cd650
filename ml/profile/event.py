"""One transaction as the features see it: numbers and small hashes, no text.

An `Event` is made from a validated transaction and its ingest time, and from nothing else. Compiled
functions read it as 16 words of 64 bits, one for each field, in the order of the fields. A
fingerprint, address or id must never get further than its hash here.
"""

from __future__ import annotations

import hashlib
import math
import struct
from typing import NamedTuple
from zlib import crc32

from fraud_app.contracts import currency
from fraud_app.contracts.transaction import Category, Transaction
from ml.profile.windows import DAY_MS

CATEGORY_CODES = {category: code for code, category in enumerate(Category)}


class Event(NamedTuple):
    """A transaction reduced to what is counted. A hash of 0 means that the field was missing."""

    id_hash: int
    """64 bits of BLAKE2b of the transaction id."""
    body_hash: int
    """32-bit hash of what a retry must not change: who pays how much to whom, with what and from
    where.
    """
    received_ms: int
    """Ingest time in ms since 1970; every window uses it."""
    occurred_ms: int
    """The client's own clock in ms since 1970, clamped to the range from a day before to five
    minutes after the ingest time.
    """
    clock_skew_s: float
    """The client's clock minus ours, in seconds, before clamping."""
    amount_cents: int
    """Euro cents; `NO_AMOUNT` when no rate to the euro is known."""
    merchant: int
    device: int
    card: int
    ip: int
    country: int
    """Two ASCII letters as a number."""
    card_country: int
    category: int
    latitude: float
    longitude: float
    declined: bool


(
    ID_HASH,
    BODY_HASH,
    RECEIVED_MS,
    OCCURRED_MS,
    CLOCK_SKEW_S,
    AMOUNT_CENTS,
    MERCHANT,
    DEVICE,
    CARD,
    IP,
    COUNTRY,
    CARD_COUNTRY,
    CATEGORY,
    LATITUDE,
    LONGITUDE,
    DECLINED,
) = range(len(Event._fields))
"""Index of each field among the words of an event."""
EVENT_WORDS = len(Event._fields)
NO_AMOUNT = -1
"""Stands for a missing amount, in an event and in a profile: an integer cannot be NaN."""
_EVENT = struct.Struct("<QqqqdqqqqqqqqddQ")


class Signals(NamedTuple):
    """Signals that cross users, as of the event; NaN when Redis was unavailable or the field is
    missing.
    """

    device_users: float = math.nan
    ip_users: float = math.nan
    card_users: float = math.nan
    merchant_rate: float = math.nan


DEVICE_USERS, IP_USERS, CARD_USERS, MERCHANT_RATE = range(len(Signals._fields))
SIGNAL_WORDS = len(Signals._fields)
_SIGNALS = struct.Struct(f"<{SIGNAL_WORDS}d")

# The client's clock is not trusted: how far before and after the ingest time it may be.
EARLIEST_SKEW_MS = DAY_MS
LATEST_SKEW_MS = 300_000


def pack_event(event: Event) -> bytes:
    """An event for compiled functions: 16 words."""
    return _EVENT.pack(*event)


def pack_signals(signals: Signals) -> bytes:
    """Signals for compiled functions: 4 words, each a float64."""
    return _SIGNALS.pack(*signals)


def hash64(text: str) -> int:
    """A stable 64-bit hash (BLAKE2b), for transaction and user ids."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def hash32(text: str | None) -> int:
    """A stable 32-bit hash (CRC-32) that is never 0; 0 for a missing text."""
    return (crc32(text.encode()) or 1) if text else 0


def country_number(code: str | None) -> int:
    """Two letters as a number below 65,536; 0 for a missing code."""
    return (ord(code[0]) << 8 | ord(code[1])) if code else 0


def occurred_ms(tx: Transaction) -> int | None:
    """The time that the client gave, in ms since 1970; None when it gave none that is possible."""
    return None if tx.occurred_at is None else round(tx.occurred_at.timestamp() * 1000)


def event_time_ms(tx: Transaction, ingest_ms: int) -> int:
    """The client's time for trusted back-fills, in ms since 1970; the ingest time without one."""
    occurred = occurred_ms(tx)
    return ingest_ms if occurred is None else occurred


def event_of(tx: Transaction, received_ms: int) -> Event:
    """The event of a validated transaction with ingest time `received_ms` (ms since 1970)."""
    occurred = occurred_ms(tx)
    earliest, latest = received_ms - EARLIEST_SKEW_MS, received_ms + LATEST_SKEW_MS
    method, cents = tx.payment_method, currency.euro_cents(tx.amount, tx.currency)
    return Event(
        id_hash=hash64(tx.transaction_id),
        body_hash=hash32(
            f"{tx.user_id}|{tx.amount.normalize():f}|{tx.currency}|{tx.merchant_id}|{tx.category}"
            f"|{tx.device_id}|{tx.ip}|{tx.country}|{method.fingerprint}"
        ),
        received_ms=received_ms,
        occurred_ms=received_ms if occurred is None else min(max(occurred, earliest), latest),
        clock_skew_s=math.nan if occurred is None else (occurred - received_ms) / 1000.0,
        amount_cents=NO_AMOUNT if cents is None else cents,
        merchant=hash32(tx.merchant_id),
        device=hash32(tx.device_id),
        card=hash32(method.fingerprint),
        ip=hash32(tx.ip),
        country=country_number(tx.country),
        card_country=country_number(method.bin_country),
        category=CATEGORY_CODES[tx.category],
        latitude=math.nan if tx.latitude is None else tx.latitude,
        longitude=math.nan if tx.longitude is None else tx.longitude,
        declined=tx.issuer_response == "declined",
    )
