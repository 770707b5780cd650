"""How well card data is told from other numbers: true card numbers of every scheme that are missed,
and ids of other kinds that are masked, counted with a fixed seed.

    python -m devtools.audit.card_detection --count 1000000
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import click

from fraud_app.contracts.card_data import masked_fields
from fraud_app.contracts.card_ranges import SCHEMES, Scheme, passes_luhn
from fraud_app.contracts.known_ids import IBAN_LENGTHS

SEED = 20261128
START = datetime(2015, 1, 1)
DAYS = 20 * 365
"""Of the dates in order numbers."""

Make = Callable[[random.Random], str]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def card_number(rng: random.Random, scheme: Scheme, length: int) -> str:
    """A number of a scheme with a valid check digit."""
    low, _, high = rng.choice(scheme.ranges.split()).partition("-")
    begin = str(rng.randint(int(low), int(high or low))).zfill(len(low))
    body = begin + digits(rng, length - 1 - len(begin))
    return next(body + check for check in "0123456789" if passes_luhn(body + check))


def all_card_numbers(rng: random.Random, count: int) -> Iterator[tuple[str, bool, str]]:
    """Scheme, whether the length is its usual one, and a number: `count` of each length."""
    for scheme in SCHEMES:
        for length in scheme.lengths:
            for _ in range(count):
                yield scheme.name, length in scheme.usual, card_number(rng, scheme, length)


def grouped(number: str, separator: str) -> str:
    """As it is printed on a card."""
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(number), (4,) * 5)
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return separator.join(filter(None, parts))


def ean13(rng: random.Random) -> str:
    body = digits(rng, 12)
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def order_number(rng: random.Random) -> str:
    at = START + timedelta(days=rng.randrange(DAYS), seconds=rng.randrange(86_400))
    number = rng.randrange(10 ** rng.randint(3, 6))
    form = rng.choice(
        (
            "{:%Y%m%d}-{:04d}", "{:%Y%m%d}{:04d}", "{:%Y%m%d}{:06d}", "{:%Y%m%d}{:08d}",
            "{:%Y%m%d%H%M%S}{:04d}", "{:%Y-%m-%d}-{:06d}", "{:%d%m%Y}{:06d}", "{:%d%m%Y}-{:06d}",
            "{:%y%m%d}{:06d}", "{:%y%m%d%H%M%S}{:04d}", "{:%y%m%d}-{:06d}", "ORD-{:%Y%m%d}-{:06d}",
            "INV{:%Y%m%d}{:06d}", "{:%m%d%Y}{:06d}", "{:%Y/%m/%d}/{:06d}", "{:%Y%m}-{:06d}",
        )
    )  # fmt: skip
    return form.format(at, number)


COUNTRY_CODES = (1, 7, 20, 27, 31, 33, 34, 39, 44, 49, 52, 55, 57, 60, 62, 63, 66, 81, 86, 91, 351,
                 371, 420, 505, 593, 880, 971)  # fmt: skip


def phone_number(rng: random.Random) -> str:
    country = rng.choice(COUNTRY_CODES)
    local = str(rng.randint(1, 9)) + digits(rng, rng.randint(7, 10))
    parts = (local[:3], local[3:6], local[6:])
    return rng.choice(("+{}{}", "{}{}", "00{}{}", "+{} {}", "+{}-{}")).format(
        country, rng.choice(("", " ", "-")).join(parts)
    )


def iban(rng: random.Random) -> str:
    country = rng.choice(sorted(IBAN_LENGTHS))
    account = digits(rng, IBAN_LENGTHS[country] - 4)
    number = int(account + "".join(str(int(letter, 36)) for letter in country) + "00")
    text = f"{country}{98 - number % 97:02d}{account}"
    if rng.random() < 0.5:
        return text
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def random_uuid(rng: random.Random) -> str:
    made = uuid.UUID(int=rng.getrandbits(128), version=rng.choice((1, 4)))
    return rng.choice((str(made), made.hex, str(made).upper()))


def hex_id(rng: random.Random) -> str:
    return f"{rng.getrandbits(4 * rng.choice((16, 20, 24, 32, 40, 64))):x}"


def epoch(rng: random.Random) -> str:
    seconds = rng.uniform(1.4e9, 2.0e9)
    return str(int(seconds * rng.choice((1e3, 1e6, 1e9))))


IDS: dict[str, tuple[str, Make]] = {
    "EAN-13": ("ean", ean13),
    "order number with a date": ("order_id", order_number),
    "phone number": ("phone", phone_number),
    "IBAN": ("iban", iban),
    "UUID": ("session_id", random_uuid),
    "hexadecimal id": ("trace_id", hex_id),
    "time since 1970": ("created_at", epoch),
}
"""Kinds of ids with a usual name of their field."""
DRESSES: dict[str, Callable[[str], object]] = {
    "alone": str,
    "an integer": int,
    "with blanks": lambda number: grouped(number, " "),
    "with dots": lambda number: grouped(number, "."),
    "with dashes of Unicode": lambda number: grouped(number, "\u2013"),
    "with narrow blanks": lambda number: grouped(number, "\u202f"),
    "with slashes and blanks": lambda number: grouped(number, " / "),
    "each digit apart": " ".join,
    "in a sentence": lambda number: f"paid with {number}, thank you",
    "between letters": lambda number: f"x{number}y",
    "in a URL": lambda number: f"https://shop.example/pay?n={grouped(number, '%20')}&lang=de",
    "full-width": lambda number: number.translate({48 + n: 0xFF10 + n for n in range(10)}),
}


def misses(count: int, rng: random.Random) -> dict[str, tuple[int, int]]:
    """By scheme, the card numbers in a note that were not masked, and how many were tried."""
    result: dict[str, tuple[int, int]] = {}
    for scheme, _, number in all_card_numbers(rng, count):
        missed, tried = result.get(scheme, (0, 0))
        for dress in DRESSES.values():
            if dress is int and number.startswith("0"):
                continue
            fields = {"note": dress(number)}
            missed, tried = missed + (masked_fields(fields)[0] == fields), tried + 1
        result[scheme] = missed, tried
    return result


def misses_as_id(count: int, rng: random.Random) -> tuple[int, int]:
    """The same of numbers of the usual lengths as a user's id."""
    numbers = [number for _, usual, number in all_card_numbers(rng, count) if usual]
    return sum(not masked_fields({"user_id": number})[1] for number in numbers), len(numbers)


def false_masks(kind: str, count: int, rng: random.Random, field: str | None = None) -> int:
    """How many of `count` ids of a kind were masked; `field`: instead of the usual name."""
    usual, make = IDS[kind]
    return sum(bool(masked_fields({field or usual: make(rng)})[1]) for _ in range(count))


@click.command(help=__doc__)
@click.option("--count", default=100_000, show_default=True, help="ids of each kind")
@click.option("--cards", default=100, show_default=True, help="numbers of each scheme and length")
def main(count: int, cards: int) -> None:
    rng = random.Random(SEED)  # noqa: S311 - makes examples, protects nothing
    for scheme, (missed, tried) in misses(cards, rng).items():
        click.echo(f"{scheme:34} {missed:6} of {tried:8} missed")
    missed, tried = misses_as_id(cards, rng)
    click.echo(f"{'as a user id, of usual length':34} {missed:6} of {tried:8} missed")
    for kind in IDS:
        masked = false_masks(kind, count, rng)
        click.echo(f"{kind:34} {masked:6} of {count:8} masked in a field of its name")
        masked = false_masks(kind, count, rng, "note")
        click.echo(f"{'':34} {masked:6} of {count:8} masked in a note")


if __name__ == "__main__":
    main()
