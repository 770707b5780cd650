"""The recent transactions of a user, at most 32, oldest first.

A transaction is five words:

    word   name                      content
    0      ID                        64-bit hash of the transaction id
    1      RECEIVED                  ingest time, ms since 1970
    2      CENTS                     amount, euro cents; -1: missing
    3      BODY_AND_MERCHANT         body hash << 32 | merchant hash
    4      DEVICE_COUNTRY_DECLINED   device hash << 32 | country << 1 | declined (1 bit)
"""

from __future__ import annotations

from ml.profile.event import (
    AMOUNT_CENTS,
    BODY_HASH,
    COUNTRY,
    DECLINED,
    DEVICE,
    ID_HASH,
    MERCHANT,
    NO_AMOUNT,
    RECEIVED_MS,
)
from ml.profile.jit import LOW, Words, jit

MAX_RECENT = 32
"""A bound, so that a user's row stays under 4 KiB."""
TRANSACTION_WORDS = 5
ID, RECEIVED, CENTS, BODY_AND_MERCHANT, DEVICE_COUNTRY_DECLINED = range(TRANSACTION_WORDS)

# Fields that share a word with others: word, shift and mask.
MERCHANT_FIELD = (BODY_AND_MERCHANT, 0, LOW)
DEVICE_FIELD = (DEVICE_COUNTRY_DECLINED, 32, LOW)
COUNTRY_FIELD = (DEVICE_COUNTRY_DECLINED, 1, 0xFFFF)
DECLINED_FIELD = (DEVICE_COUNTRY_DECLINED, 0, 1)


@jit
def add(transactions: Words, event: Words, out: Words) -> int:
    """Write the transactions and the event behind them to `out`; the number written. When there are
    too many, the oldest is dropped.
    """
    count = len(transactions) // TRANSACTION_WORDS
    dropped = max(0, count - MAX_RECENT + 1)
    remaining = transactions[TRANSACTION_WORDS * dropped :]
    for index in range(len(remaining)):
        out[index] = remaining[index]
    to = len(remaining)
    out[to + ID] = event[ID_HASH]
    out[to + RECEIVED] = event[RECEIVED_MS]
    out[to + CENTS] = event[AMOUNT_CENTS]
    out[to + BODY_AND_MERCHANT] = event[BODY_HASH] << 32 | event[MERCHANT]
    out[to + DEVICE_COUNTRY_DECLINED] = event[DEVICE] << 32 | event[COUNTRY] << 1 | event[DECLINED]
    return count - dropped + 1


@jit
def field_value(transactions: Words, start: int, field: tuple[int, int, int]) -> int:
    """One of the packed fields above, of the transaction that begins at index `start`."""
    word, shift, mask = field
    return transactions[start + word] >> shift & mask


@jit
def is_within(transactions: Words, start: int, now_ms: int, span_ms: int) -> bool:
    """Whether the transaction at index `start` was received in the span that ends at `now_ms`."""
    return now_ms - span_ms < transactions[start + RECEIVED] <= now_ms


@jit
def age_of(transactions: Words, id_hash: int) -> int:
    """How many transactions ago this id was seen, 1 for the last; 0 when it is not a recent one."""
    count = len(transactions) // TRANSACTION_WORDS
    for age in range(1, count + 1):
        start = TRANSACTION_WORDS * (count - age)
        if transactions[start + ID] == id_hash:
            return age
    return 0


@jit
def count_received(transactions: Words, now_ms: int, span_ms: int) -> int:
    """Number of transactions received in the span that ends at `now_ms`."""
    count = 0
    for start in range(0, len(transactions), TRANSACTION_WORDS):
        count += is_within(transactions, start, now_ms, span_ms)
    return count


@jit
def _is_present(
    transactions: Words, value: int, now_ms: int, span_ms: int, field: tuple[int, int, int]
) -> bool:
    """Whether a transaction of the span has this value of the field."""
    for start in range(0, len(transactions), TRANSACTION_WORDS):
        is_equal = field_value(transactions, start, field) == value
        if is_equal and is_within(transactions, start, now_ms, span_ms):
            return True
    return False


@jit
def count_distinct(
    transactions: Words, now_ms: int, span_ms: int, field: tuple[int, int, int]
) -> int:
    """Number of different values of a field in the span that ends at `now_ms`; 0 (missing) is not
    counted.
    """
    count = 0
    for start in range(0, len(transactions), TRANSACTION_WORDS):
        value = field_value(transactions, start, field)
        if value and is_within(transactions, start, now_ms, span_ms):
            earlier = transactions[:start]
            count += not _is_present(earlier, value, now_ms, span_ms, field)
    return count


@jit
def write_amounts(transactions: Words, out: Words) -> int:
    """Write all known amounts (cents) to `out`, oldest transaction first; their number."""
    count = 0
    for start in range(0, len(transactions), TRANSACTION_WORDS):
        if transactions[start + CENTS] != NO_AMOUNT:
            out[count] = transactions[start + CENTS]
            count += 1
    return count
