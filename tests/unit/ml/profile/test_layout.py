"""Packed profiles give the same results as plain lists, to the compiled functions and to Python."""

import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml.features import NAMES, compute
from ml.profile import known_entities, recent
from ml.profile.event import Signals
from ml.profile.jit import uncompiled
from ml.profile.layout import COUNTRIES_SEEN, DEVICES, DEVICES_SEEN, MAX_HOUR_COUNT, view
from ml.profile.update import EMPTY, age_of, body_hash_and_time, update
from ml.profile.windows import DAY_MS, HOUR_MS, MINUTE_MS, WINDOWS
from tests.support.builders import NOW_MS, event

SPAN_MS = 3 * DAY_MS
moments = st.integers(NOW_MS - SPAN_MS, NOW_MS + SPAN_MS)
HASHES = (0, 1, 256, 65_536, 0x01000001, 0x01010101, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2, 3, 4)
hashes = st.sampled_from(HASHES)
AN_EVENT = event()


def grown(events):
    profile = EMPTY
    for each_event in events:
        profile = update(profile, each_event)
    return profile


def features(profile, latest):
    row = compute([(profile, latest, Signals())])[0]
    return dict(zip(NAMES, row.tolist(), strict=True))


@given(st.lists(st.tuples(moments, st.integers(0, 10**6)), max_size=60), moments)
def test_a_window_counts_as_a_list_does(transactions, now_ms):
    profile = grown(
        AN_EVENT._replace(received_ms=at_ms, amount_cents=cents) for at_ms, cents in transactions
    )
    row = features(profile, AN_EVENT._replace(received_ms=now_ms))
    for number, window in enumerate(WINDOWS):
        newest_ms, counted = -1, []
        for at_ms, cents in transactions:
            newest_ms = max(newest_ms, at_ms)
            expired_slot = newest_ms // window.bucket_ms - window.buckets
            counted.append((at_ms // window.bucket_ms, cents))
            counted = [(slot, amount) for slot, amount in counted if slot > expired_slot]
        last_slot = now_ms // window.bucket_ms
        within = [
            cents for slot, cents in counted if last_slot - window.buckets < slot <= last_slot
        ]
        assert view(profile).in_window(number, now_ms) == (len(within), sum(within))
        assert row[f"tx_count_{window.name}"] == len(within)
        if window.name != "10m":
            assert row[f"amount_sum_{window.name}"] == pytest.approx(sum(within) / 100)


@given(st.lists(st.tuples(hashes, st.integers(0, 2**32 - 1)), max_size=40))
@example([(hash_, 5) for hash_ in HASHES] + [(1, 3), (0xFFFFFFFF, 9)])
def test_a_set_remembers_as_a_list_does(sights):
    remembered = {}
    for hash_, seconds in sights:
        if hash_:
            first_s = min(seconds, remembered.pop(hash_, seconds))
            newest = list(remembered.items())[-(DEVICES - 1) :]
            remembered = dict([*newest, (hash_, first_s)])
    profile = grown(
        AN_EVENT._replace(device=hash_, received_ms=seconds * 1000) for hash_, seconds in sights
    )
    by_name = view(profile)
    assert by_name.sizes[DEVICES_SEEN] == len(remembered)
    for hash_ in HASHES:
        first_s = uncompiled(known_entities.first_seen)(by_name.part(DEVICES_SEEN), hash_)
        assert first_s == remembered.get(hash_, known_entities.NEVER)
        if sights and hash_:
            row = features(profile, AN_EVENT._replace(device=hash_, received_ms=2**32 * 1000))
            assert row["device_is_new"] == (hash_ not in remembered)
            if hash_ in remembered:
                age_s = 2**32 - remembered[hash_]
                assert row["device_age_days"] == pytest.approx(age_s / 86_400)


@given(
    st.lists(
        st.tuples(moments, hashes, hashes, st.integers(1, 10**6), st.booleans()),
        min_size=1,
        max_size=50,
    ),
    moments,
)
def test_recent_transactions_are_counted_by_time_in_any_order(transactions, now_ms):
    events = [
        AN_EVENT._replace(
            received_ms=at_ms,
            merchant=merchant or 9,
            device=device,
            country=merchant & 0xFFFF,
            amount_cents=cents,
            declined=declined,
        )
        for at_ms, merchant, device, cents, declined in transactions
    ]
    row = features(grown(events), AN_EVENT._replace(received_ms=now_ms))
    recent_events = events[-recent.MAX_RECENT :]
    day, hour, minute = [
        [past for past in recent_events if now_ms - span_ms < past.received_ms <= now_ms]
        for span_ms in (DAY_MS, HOUR_MS, MINUTE_MS)
    ]
    assert row["tx_count_1m"] == len(minute)
    assert row["merchants_1h"] == len({past.merchant for past in hour})
    assert row["merchants_24h"] == len({past.merchant for past in day})
    assert row["devices_24h"] == len({past.device for past in day} - {0})
    assert row["countries_24h"] == len({past.country for past in day} - {0})
    assert row["declines_1h"] == sum(past.declined for past in hour)
    assert row["declines_24h"] == sum(past.declined for past in day)
    cents, amounts = AN_EVENT.amount_cents, [past.amount_cents for past in recent_events]
    smallest = min((past.amount_cents for past in hour), default=cents)
    assert row["amount_to_smallest_1h"] == pytest.approx(cents / max(smallest, 1))
    median = statistics.median(amounts)
    assert row["amount_to_median"] == pytest.approx(cents / median)
    if len(recent_events) >= 3:
        deviation = 1.4826 * statistics.median([abs(amount - median) for amount in amounts])
        z = (cents - median) / max(deviation, 100.0, 0.05 * median)
        assert row["amount_robust_z"] == pytest.approx(max(-50, min(50, z)), abs=1e-5)


@given(
    st.lists(st.sampled_from([0, 1, 2**32, 2**63, 0x0101010101010101]), min_size=1, max_size=40),
    st.data(),
)
def test_an_id_has_its_age_only_while_it_is_recent(ids, data):
    profile = grown(
        AN_EVENT._replace(
            received_ms=NOW_MS + number, id_hash=id_hash, body_hash=2**32 - 1 - number
        )
        for number, id_hash in enumerate(ids)
    )
    newest_first = list(reversed(ids))[: recent.MAX_RECENT]
    id_hash = data.draw(st.sampled_from([0, 1, 2**8, 2**32, 2**63, 0x0101010101010101]))
    age = age_of(profile, AN_EVENT._replace(id_hash=id_hash))
    assert age == (newest_first.index(id_hash) + 1 if id_hash in newest_first else 0)
    if age:
        number = len(ids) - age
        assert body_hash_and_time(profile, age) == (2**32 - 1 - number, NOW_MS + number)


def test_a_full_hour_halves_all_hours_so_that_the_shares_stay():
    profile = grown(
        AN_EVENT._replace(occurred_ms=hour * HOUR_MS) for hour in (2, 2, 2, 2, 3, 3, 23)
    )
    for _ in range(MAX_HOUR_COUNT - 4):
        profile = update(profile, AN_EVENT._replace(occurred_ms=2 * HOUR_MS))
    assert view(profile).hours[2] == MAX_HOUR_COUNT
    hours = view(update(profile, AN_EVENT._replace(occurred_ms=2 * HOUR_MS))).hours
    assert hours[2:4] == (MAX_HOUR_COUNT // 2 + 1, 1)
    assert sum(hours) == MAX_HOUR_COUNT // 2 + 2


@pytest.mark.parametrize("seconds", [-5_000_000_000, -1, 2**32, 253_402_300_799])
def test_a_back_fill_from_any_year_changes_no_hash(seconds):
    profile = view(update(EMPTY, AN_EVENT._replace(received_ms=seconds * 1000)))
    for part, hash_ in ((DEVICES_SEEN, AN_EVENT.device), (COUNTRIES_SEEN, AN_EVENT.country)):
        assert profile.part(part)[0] >> 32 & 0xFFFFFFFF == hash_


SOUND = grown(
    AN_EVENT._replace(received_ms=NOW_MS + number * HOUR_MS, device=number) for number in range(40)
)


@given(st.data())
def test_damaged_bytes_are_an_error_or_harmless(data):
    """Whatever the bytes are, compiled code reads and writes nothing outside of them."""
    sizes = [len(SOUND), 0, 8, 120, 128, len(SOUND) - 8, len(SOUND) - 1]
    damaged = bytearray(SOUND[: data.draw(st.sampled_from(sizes))])
    damaged += data.draw(st.sampled_from([b"", b"\0", b"\xff" * 8, b"\xff" * 4000]))
    for index in data.draw(st.lists(st.integers(0, 200), max_size=6)):
        if index < len(damaged):
            damaged[index] = data.draw(st.integers(0, 255))
    for _ in range(4):
        try:
            compute([(bytes(damaged), AN_EVENT, Signals())])
            age_of(bytes(damaged), AN_EVENT)
            damaged = bytearray(update(bytes(damaged), AN_EVENT))
        except ValueError as error:
            assert "no profile" in str(error)  # noqa: PT017
            return
    assert len(damaged) % 8 == 0
