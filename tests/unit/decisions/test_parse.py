from functools import partial

import orjson
import pytest

from fraud_app.decisions.parse import Invalid, Misrouted, Record, ScoringInput, parse
from fraud_app.kafka.partitioner import partition_of
from tests.support.builders import NOW_MS, payload

PARTITIONS = 4


def arrived(value, partition=None, **fields):
    raw = orjson.dumps(value) if isinstance(value, dict) else value
    home = partition_of("u1", PARTITIONS) if partition is None else partition
    return parse(
        Record(home, 7, b"u1", raw, NOW_MS, **fields), partial(partition_of, partitions=PARTITIONS)
    )


def test_a_sound_transaction_is_a_payment_at_its_ingest_time():
    payment = arrived(payload(occurred_at="2026-01-01T00:00:00Z"))
    assert isinstance(payment, ScoringInput)
    assert payment.event.received_ms == NOW_MS


def test_users_live_where_kafkas_own_partitioner_puts_them():
    # From the Java client: Utils.toPositive(Utils.murmur2(key)) % 4
    assert [partition_of(user, 4) for user in ("u1", "u2", "u3", "user-42")] == [
        partition_of(user, 8) % 4 for user in ("u1", "u2", "u3", "user-42")
    ]
    assert len({partition_of(f"u{number}", 4) for number in range(50)}) == 4


def test_a_transaction_in_a_strangers_partition_is_sent_home_once():
    elsewhere = (partition_of("u1", PARTITIONS) + 1) % PARTITIONS
    found = arrived(payload(), elsewhere)
    assert isinstance(found, Misrouted)
    assert found.partition == partition_of("u1", PARTITIONS)
    lost = arrived(payload(), elsewhere, rerouted=True)
    assert isinstance(lost, Invalid)
    assert lost.code == "partition_mismatch"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "empty"),
        (None, "empty"),
        (b"{", "malformed"),
        (b"\xff\xfe{}", "malformed"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b"[" * 10_000, "malformed"),
        (b'{"metadata":' * 500 + b"1" + b"}" * 500, "malformed"),
        (b"x" * 70_000, "too_large"),
        (payload(amount="NaN"), "invalid"),
        (payload(amount="-1"), "invalid"),
        (payload(amount="1e999"), "invalid"),
        (payload(amount="1.001"), "invalid"),
        (payload(currency="XXX"), "invalid"),
        (payload(occurred_at="2026-01-01T00:00:00"), "invalid"),
        (payload(user_id="__faust\u0000offset__"), "invalid"),
        (payload(user_id="a b"), "invalid"),
        (payload(latitude=91), "invalid"),
        (payload(metadata={"card": "4111 1111 1111 1111"}), "invalid"),
        (payload(cvv="123"), "invalid"),
        (payload(__faust={"ns": "x"}), None),
    ],
)
def test_whatever_comes_is_told_apart(value, code):
    found = arrived(value)
    assert (
        isinstance(found, ScoringInput)
        if code is None
        else (isinstance(found, Invalid) and found.code == code)
    )


def test_the_reason_never_repeats_a_card_number():
    found = arrived(payload(metadata={"note": "card 4111111111111111"}))
    assert isinstance(found, Invalid)
    assert "4111" not in found.detail
    assert "note" in found.detail
