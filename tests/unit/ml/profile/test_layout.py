"""What is kept packed gives what a plain list would, to the compiled functions and to Python."""

import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml.features import NAMES, compute
from ml.profile import known_entities, recent
from ml.profile.event import Signals
from ml.profile.jit import uncompiled
from ml.profile.layout import DEVICES, DEVICES_SEEN, HOUR_COUNT_MAX, view
from ml.profile.update import EMPTY, age_of, body_hash_and_time, update
from ml.profile.windows import DAY_MS, HOUR_MS, MINUTE_MS, WINDOWS
from tests.support.builders import NOW_MS, event

SPAN_MS = 3 * DAY_MS
moments = st.integers(NOW_MS - SPAN_MS, NOW_MS + SPAN_MS)
HASHES = (0, 1, 256, 65_536, 0x01000001, 0x01010101, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2, 3, 4)
hashes = st.sampled_from(HASHES)
A_PAYMENT = event()


def grown(events):
    profile = EMPTY
    for one in events:
        profile = update(profile, one)
    return profile


def features(profile, one):
    return dict(zip(NAMES, compute([(profile, one, Signals())])[0].tolist(), strict=True))


@given(st.lists(st.tuples(moments, st.integers(0, 10**6)), max_size=60), moments)
def test_a_window_counts_as_a_list_does(payments, asked):
    profile = grown(
        A_PAYMENT._replace(received_ms=at, amount_cents=cents) for at, cents in payments
    )
    found = features(profile, A_PAYMENT._replace(received_ms=asked))
    for number, window in enumerate(WINDOWS):
        newest, kept = -1, []
        for at, cents in payments:
            newest = max(newest, at)
            kept = [
                one
                for one in [*kept, (at // window.bucket_ms, cents)]
                if one[0] > newest // window.bucket_ms - window.buckets
            ]
        last = asked // window.bucket_ms
        within = [cents for slot, cents in kept if last - window.buckets < slot <= last]
        assert view(profile).in_window(number, asked) == (len(within), sum(within))
        assert found[f"tx_count_{window.name}"] == len(within)
        if window.name != "10m":
            assert found[f"amount_sum_{window.name}"] == pytest.approx(sum(within) / 100)


@given(st.lists(st.tuples(hashes, st.integers(0, 2**32 - 1)), max_size=40))
@example([(hash_, 5) for hash_ in HASHES] + [(1, 3), (0xFFFFFFFF, 9)])
def test_a_set_remembers_as_a_list_does(sights):
    kept = {}
    for hash_, seconds in sights:
        if hash_:
            first_s = min(seconds, kept.pop(hash_, seconds))
            kept = dict([*list(kept.items())[-(DEVICES - 1) :], (hash_, first_s)])
    profile = grown(
        A_PAYMENT._replace(device=hash_, received_ms=seconds * 1000) for hash_, seconds in sights
    )
    memory = view(profile)
    assert memory.sizes[DEVICES_SEEN] == len(kept)
    for hash_ in HASHES:
        first_s = uncompiled(known_entities.first_seen)(
            memory.words, memory.start(DEVICES_SEEN), len(kept), hash_
        )
        assert first_s == kept.get(hash_, known_entities.NEVER)
        if sights and hash_:
            found = features(profile, A_PAYMENT._replace(device=hash_, received_ms=2**32 * 1000))
            assert found["device_is_new"] == (hash_ not in kept)
            if hash_ in kept:
                assert found["device_age_days"] == pytest.approx((2**32 - kept[hash_]) / 86_400)


@given(
    st.lists(
        st.tuples(moments, hashes, hashes, st.integers(1, 10**6), st.booleans()),
        min_size=1,
        max_size=50,
    ),
    moments,
)
def test_the_latest_are_found_by_time_whatever_their_order(payments, asked):
    events = [
        A_PAYMENT._replace(
            received_ms=at,
            merchant=merchant or 9,
            device=device,
            country=merchant & 0xFFFF,
            amount_cents=cents,
            declined=declined,
        )
        for at, merchant, device, cents, declined in payments
    ]
    found = features(grown(events), A_PAYMENT._replace(received_ms=asked))
    kept = events[-recent.MAX_RECENT :]
    day, hour, minute = [
        [one for one in kept if asked - span < one.received_ms <= asked]
        for span in (DAY_MS, HOUR_MS, MINUTE_MS)
    ]
    assert found["tx_count_1m"] == len(minute)
    assert found["merchants_1h"] == len({one.merchant for one in hour})
    assert found["merchants_24h"] == len({one.merchant for one in day})
    assert found["devices_24h"] == len({one.device for one in day} - {0})
    assert found["countries_24h"] == len({one.country for one in day} - {0})
    assert found["declines_1h"] == sum(one.declined for one in hour)
    assert found["declines_24h"] == sum(one.declined for one in day)
    cents, amounts = A_PAYMENT.amount_cents, [one.amount_cents for one in kept]
    smallest = min((one.amount_cents for one in hour), default=cents)
    assert found["amount_to_smallest_1h"] == pytest.approx(cents / max(smallest, 1))
    middle = statistics.median(amounts)
    assert found["amount_to_median"] == pytest.approx(cents / middle)
    if len(kept) >= 3:
        spread = max(
            1.4826 * statistics.median([abs(one - middle) for one in amounts]), 100.0, 0.05 * middle
        )
        assert found["amount_robust_z"] == pytest.approx(
            max(-50, min(50, (cents - middle) / spread)), abs=1e-5
        )


@given(
    st.lists(st.sampled_from([0, 1, 2**32, 2**63, 0x0101010101010101]), min_size=1, max_size=40),
    st.data(),
)
def test_an_id_is_found_at_its_age_only(ids, data):
    profile = grown(
        A_PAYMENT._replace(
            received_ms=NOW_MS + number, id_hash=id_hash, body_hash=2**32 - 1 - number
        )
        for number, id_hash in enumerate(ids)
    )
    kept = list(reversed(ids))[: recent.MAX_RECENT]
    sought = data.draw(st.sampled_from([0, 1, 2**8, 2**32, 2**63, 0x0101010101010101]))
    age = age_of(profile, A_PAYMENT._replace(id_hash=sought))
    assert age == (kept.index(sought) + 1 if sought in kept else 0)
    if age:
        number = len(ids) - age
        assert body_hash_and_time(profile, age) == (2**32 - 1 - number, NOW_MS + number)


def test_a_full_hour_halves_all_so_that_the_shares_stay():
    profile = grown(
        A_PAYMENT._replace(occurred_ms=hour * HOUR_MS) for hour in (2, 2, 2, 2, 3, 3, 23)
    )
    for _ in range(HOUR_COUNT_MAX - 4):
        profile = update(profile, A_PAYMENT._replace(occurred_ms=2 * HOUR_MS))
    assert view(profile).hours[2] == HOUR_COUNT_MAX
    hours = view(update(profile, A_PAYMENT._replace(occurred_ms=2 * HOUR_MS))).hours
    assert hours[2:4] == (HOUR_COUNT_MAX // 2 + 1, 1)
    assert sum(hours) == HOUR_COUNT_MAX // 2 + 2


@pytest.mark.parametrize("seconds", [-5_000_000_000, -1, 2**32, 253_402_300_799])
def test_a_back_fill_from_any_year_changes_no_hash(seconds):
    memory = view(update(EMPTY, A_PAYMENT._replace(received_ms=seconds * 1000)))
    for number, hash_ in zip(
        range(len(WINDOWS), len(memory.sizes)), (A_PAYMENT.device, A_PAYMENT.country), strict=False
    ):
        assert memory.words[memory.start(number)] >> 32 & 0xFFFFFFFF == hash_


SOUND = grown(
    A_PAYMENT._replace(received_ms=NOW_MS + number * HOUR_MS, device=number) for number in range(40)
)


@given(st.data())
def test_damaged_bytes_are_an_error_or_harmless(data):
    """Whatever is in the bytes, compiled code reads and writes nothing but them."""
    damaged = bytearray(
        SOUND[
            : data.draw(
                st.sampled_from([len(SOUND), 0, 8, 120, 128, len(SOUND) - 8, len(SOUND) - 1])
            )
        ]
    )
    damaged += data.draw(st.sampled_from([b"", b"\0", b"\xff" * 8, b"\xff" * 4000]))
    for place in data.draw(st.lists(st.integers(0, 200), max_size=6)):
        if place < len(damaged):
            damaged[place] = data.draw(st.integers(0, 255))
    for _ in range(4):
        try:
            compute([(bytes(damaged), A_PAYMENT, Signals())])
            age_of(bytes(damaged), A_PAYMENT)
            damaged = bytearray(update(bytes(damaged), A_PAYMENT))
        except ValueError as error:
            assert "no profile" in str(error)  # noqa: PT017
            return
    assert len(damaged) % 8 == 0
