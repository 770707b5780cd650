from hypothesis import given
from hypothesis import strategies as st

from ml import latest, seen, windows
from ml.behaviour import CARDS, COUNTRIES, DEVICES, EMPTY, MERCHANTS, update
from ml.windows import DAY_MS, HOUR_MS, WINDOWS, in_window
from tests.builders import NOW_MS, event, same

WEEK = WINDOWS[-1]
times = st.integers(NOW_MS - 20 * DAY_MS, NOW_MS + 20 * DAY_MS)


def grown(*events):
    behaviour = EMPTY
    for one in events:
        behaviour = update(behaviour, one)
    return behaviour


def test_a_window_counts_what_is_within_it_and_nothing_else():
    behaviour = grown(
        event(NOW_MS - 2 * HOUR_MS, amount="10"), event(NOW_MS - 60_000, amount="20"), event(NOW_MS, amount="5")
    )
    found = {
        window.name: in_window(packed, window, NOW_MS)
        for window, packed in zip(WINDOWS, behaviour.windows, strict=True)
    }
    assert found["10m"] == (2, 2500)
    assert found["1h"] == (2, 2500)
    assert found["24h"] == (3, 3500)


def test_a_late_event_is_counted_at_its_own_time():
    late = event(NOW_MS - 3 * HOUR_MS)
    behaviour = grown(event(NOW_MS), late)
    assert in_window(behaviour.windows[1], WINDOWS[1], NOW_MS)[0] == 1
    assert in_window(behaviour.windows[2], WINDOWS[2], NOW_MS)[0] == 2


def test_an_event_older_than_the_longest_window_changes_no_window():
    before = grown(event(NOW_MS))
    after = update(before, event(NOW_MS - 30 * DAY_MS))
    assert after.windows == before.windows


@given(st.lists(times, max_size=30), st.randoms())
def test_windows_do_not_depend_on_the_order_of_arrival(at, random):
    # Within the span of the longest window: what is older than it at arrival is dropped by design.
    kept = [time for time in at if NOW_MS - 3 * DAY_MS <= time <= NOW_MS + 3 * DAY_MS]
    shuffled = list(kept)
    random.shuffle(shuffled)
    asked = max(kept, default=NOW_MS)
    counts = [
        [
            in_window(packed, window, asked)
            for window, packed in zip(WINDOWS, grown(*map(event, order)).windows, strict=True)
        ]
        for order in (kept, shuffled)
    ]
    assert counts[0] == counts[1]


@given(st.lists(st.tuples(times, st.integers(0, 40)), max_size=120))
def test_everything_is_bounded(events):
    behaviour = grown(
        *(
            event(at, device_id=f"d{n}", merchant_id=f"m{n}", country="AB"[n % 2] + "ABCDEFGH"[n % 8])
            for at, n in events
        )
    )
    assert behaviour.payments == len(events)
    assert latest.count(behaviour.latest) <= latest.KEPT
    assert seen.count(behaviour.devices) <= DEVICES
    assert seen.count(behaviour.merchants) <= MERCHANTS
    assert seen.count(behaviour.countries) <= COUNTRIES
    assert seen.count(behaviour.cards) <= CARDS
    for window, packed in zip(WINDOWS, behaviour.windows, strict=True):
        assert len(packed) // windows.SIZE <= window.buckets


def test_a_known_device_keeps_its_first_day():
    behaviour = grown(
        event(NOW_MS - 5 * DAY_MS, device_id="a"), event(NOW_MS, device_id="b"), event(NOW_MS, device_id="a")
    )
    assert seen.first_seen(behaviour.devices, event(device_id="a").device) == (NOW_MS - 5 * DAY_MS) // 1000


def test_updating_leaves_the_old_value_alone():
    before = grown(event())
    copy = before
    update(before, event())
    assert same(before, copy)
    assert before.payments == 1
