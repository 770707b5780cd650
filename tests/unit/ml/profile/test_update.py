from hypothesis import given
from hypothesis import strategies as st

from ml.features import NAMES, compute
from ml.profile import recent
from ml.profile.event import Signals
from ml.profile.layout import MAX_ENTRIES, ProfileView, view
from ml.profile.update import EMPTY, update
from ml.profile.windows import DAY_MS, HOUR_MS, WINDOWS
from tests.support.builders import NOW_MS, event

COUNTRIES = ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "NL")
times = st.integers(NOW_MS - 20 * DAY_MS, NOW_MS + 20 * DAY_MS)


def grown(*events):
    profile = EMPTY
    for each_event in events:
        profile = update(profile, each_event)
    return profile


def windows_of(profile, now_ms):
    return [view(profile).in_window(number, now_ms) for number in range(len(WINDOWS))]


def test_a_window_counts_what_is_within_it_and_nothing_else():
    profile = grown(
        event(NOW_MS - 2 * HOUR_MS, amount="10"),
        event(NOW_MS - 60_000, amount="20"),
        event(NOW_MS, amount="5"),
    )
    assert windows_of(profile, NOW_MS) == [(2, 2500), (2, 2500), (3, 3500), (3, 3500)]


def test_a_late_event_is_counted_at_its_own_time():
    late = event(NOW_MS - 3 * HOUR_MS)
    profile = grown(event(NOW_MS), late)
    assert [count for count, _ in windows_of(profile, NOW_MS)] == [1, 1, 2, 2]


def test_an_event_older_than_the_longest_window_changes_no_window():
    before = grown(event(NOW_MS))
    after = update(before, event(NOW_MS - 30 * DAY_MS))
    assert windows_of(after, NOW_MS) == windows_of(before, NOW_MS)
    assert view(after).payments == 2


@given(st.lists(times, max_size=30), st.randoms())
def test_windows_do_not_depend_on_the_order_of_arrival(at, random):
    # Only times within the longest window: an event older than it is dropped by design.
    within = [time for time in at if NOW_MS - 3 * DAY_MS <= time <= NOW_MS + 3 * DAY_MS]
    shuffled = list(within)
    random.shuffle(shuffled)
    now_ms = max(within, default=NOW_MS)
    counts = [windows_of(grown(*map(event, order)), now_ms) for order in (within, shuffled)]
    assert counts[0] == counts[1]


@given(st.lists(st.tuples(times, st.integers(0, 40)), max_size=120))
def test_everything_is_bounded(events):
    profile = grown(
        *(
            event(at, device_id=f"d{n}", merchant_id=f"m{n}", country=COUNTRIES[n % len(COUNTRIES)])
            for at, n in events
        )
    )
    by_name = view(profile)
    assert by_name.payments == len(events)
    assert by_name.latest <= recent.MAX_RECENT
    assert all(size <= bound for size, bound in zip(by_name.sizes, MAX_ENTRIES, strict=True))


def test_a_known_device_keeps_its_first_day():
    profile = grown(
        event(NOW_MS - 5 * DAY_MS, device_id="a"),
        event(NOW_MS, device_id="b"),
        event(NOW_MS, device_id="a"),
    )
    row = compute([(profile, event(device_id="a"), Signals())])[0]
    assert row[NAMES.index("device_age_days")] == 5


def test_a_profile_has_its_values_by_name():
    by_name = view(grown(event(NOW_MS - HOUR_MS, amount="7.5"), event(NOW_MS, amount="2")))
    assert by_name == ProfileView(
        first_ms=NOW_MS - HOUR_MS,
        last_ms=NOW_MS,
        payments=2,
        amount_max_cents=750,
        category_mask=1,
        latitude=52.52,
        longitude=13.4,
        place_ms=NOW_MS,
        hours=by_name.hours,
        sizes=by_name.sizes,
        latest=2,
        words=by_name.words,
    )
    assert sum(by_name.hours) == 2


def test_an_update_leaves_the_old_profile_unchanged():
    before = grown(event())
    copy = bytes(bytearray(before))
    update(before, event())
    assert before == copy
