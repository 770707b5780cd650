"""What is kept packed gives what a plain list would."""

from hypothesis import example, given
from hypothesis import strategies as st

from ml import latest, seen
from ml.windows import DAY_MS, HOUR_MS, MINUTE_MS, WINDOWS, add, in_window
from tests.builders import NOW_MS, event

SPAN_MS = 3 * DAY_MS
moments = st.integers(NOW_MS - SPAN_MS, NOW_MS + SPAN_MS)
HASHES = (0, 1, 256, 65_536, 0x01000001, 0x01010101, 0xFFFFFFFF)  # bytes that repeat across fields
hashes = st.sampled_from(HASHES)


@given(st.lists(st.tuples(moments, st.integers(0, 10**6)), max_size=60), st.sampled_from(WINDOWS), moments)
def test_a_window_counts_as_a_list_does(payments, window, asked):
    packed, newest, kept = b"", 0, []
    for at, cents in payments:
        newest = max(newest, at)
        packed = add(packed, window, at, newest, cents)
        kept = [
            one
            for one in [*kept, (at // window.bucket_ms, cents)]
            if one[0] > newest // window.bucket_ms - window.buckets
        ]
    last = asked // window.bucket_ms
    within = [cents for slot, cents in kept if last - window.buckets < slot <= last]
    assert in_window(packed, window, asked) == (len(within), sum(within))


@given(st.lists(st.tuples(hashes, st.integers(0, 2**32 - 1)), max_size=40), st.integers(2, 5))
@example([(1, 256), (65_536, 1), (256, 0x01000000)], 3)
def test_a_set_remembers_as_a_list_does(sights, bound):
    packed, kept = b"", {}
    for hash_, seconds in sights:
        packed = seen.see(packed, hash_, seconds, bound)
        if hash_:
            first_s = min(seconds, kept.pop(hash_, seconds))
            kept = dict([*list(kept.items())[-(bound - 1) :], (hash_, first_s)])
    assert seen.count(packed) == len(kept)
    for hash_ in HASHES:
        assert seen.first_seen(packed, hash_) == kept.get(hash_)


@given(st.lists(st.tuples(moments, st.integers(1, 5), st.booleans()), max_size=50), moments)
def test_the_latest_are_found_by_time_whatever_their_order(payments, asked):
    packed, kept = b"", []
    for number, (at, merchant, declined) in enumerate(payments):
        one = event(
            at,
            transaction_id=f"t{number}",
            merchant_id=f"m{merchant}",
            issuer_response="declined" if declined else None,
        )
        packed = latest.add(packed, one)
        kept = [*kept, one][-latest.KEPT :]
    found = latest.lately(packed, asked)
    assert sorted(found.amount_cents) == sorted(one.amount_cents for one in kept)
    for span, part in ((DAY_MS, found.day), (HOUR_MS, found.hour), (MINUTE_MS, found.minute)):
        within = [one for one in kept if asked - span < one.received_ms <= asked]
        assert sorted(found.merchant[part]) == sorted(one.merchant for one in within)
        assert sum(found.declined[part]) == sum(one.declined for one in within)


@given(st.lists(st.sampled_from([0, 1, 2**32, 2**56, 0x0101010101010101]), min_size=1, max_size=40), st.data())
def test_an_id_is_found_at_its_age_only(ids, data):
    packed = b""
    for number, id_hash in enumerate(ids):
        packed = latest.add(packed, event(NOW_MS + number)._replace(id_hash=id_hash, body_hash=number))
    kept = list(reversed(ids))[: latest.KEPT]
    sought = data.draw(st.sampled_from([0, 1, 2**8, 2**32, 2**56, 0x0101010101010101]))
    age = latest.age_of(packed, sought)
    assert age == (kept.index(sought) + 1 if sought in kept else None)
    if age:
        assert latest.body_and_time(packed, age) == (len(ids) - age, NOW_MS + len(ids) - age)
