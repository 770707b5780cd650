from hypothesis import given
from hypothesis import strategies as st

from ml import latest
from ml.behaviour import EMPTY, update
from ml.event import Shared
from ml.features import NAMES, compute
from ml.packed import BOUNDS, Known, known
from ml.windows import DAY_MS, HOUR_MS, WINDOWS
from tests.builders import NOW_MS, event

times = st.integers(NOW_MS - 20 * DAY_MS, NOW_MS + 20 * DAY_MS)


def grown(*events):
    behaviour = EMPTY
    for one in events:
        behaviour = update(behaviour, one)
    return behaviour


def windows_of(behaviour, now_ms):
    return [known(behaviour).in_window(number, now_ms) for number in range(len(WINDOWS))]


def test_a_window_counts_what_is_within_it_and_nothing_else():
    behaviour = grown(
        event(NOW_MS - 2 * HOUR_MS, amount="10"), event(NOW_MS - 60_000, amount="20"), event(NOW_MS, amount="5")
    )
    assert windows_of(behaviour, NOW_MS) == [(2, 2500), (2, 2500), (3, 3500), (3, 3500)]


def test_a_late_event_is_counted_at_its_own_time():
    late = event(NOW_MS - 3 * HOUR_MS)
    behaviour = grown(event(NOW_MS), late)
    assert [payments for payments, _ in windows_of(behaviour, NOW_MS)] == [1, 1, 2, 2]


def test_an_event_older_than_the_longest_window_changes_no_window():
    before = grown(event(NOW_MS))
    after = update(before, event(NOW_MS - 30 * DAY_MS))
    assert windows_of(after, NOW_MS) == windows_of(before, NOW_MS)
    assert known(after).payments == 2


@given(st.lists(times, max_size=30), st.randoms())
def test_windows_do_not_depend_on_the_order_of_arrival(at, random):
    # Within the span of the longest window: what is older than it at arrival is dropped by design.
    kept = [time for time in at if NOW_MS - 3 * DAY_MS <= time <= NOW_MS + 3 * DAY_MS]
    shuffled = list(kept)
    random.shuffle(shuffled)
    asked = max(kept, default=NOW_MS)
    counts = [windows_of(grown(*map(event, order)), asked) for order in (kept, shuffled)]
    assert counts[0] == counts[1]


@given(st.lists(st.tuples(times, st.integers(0, 40)), max_size=120))
def test_everything_is_bounded(events):
    behaviour = grown(
        *(
            event(at, device_id=f"d{n}", merchant_id=f"m{n}", country="AB"[n % 2] + "ABCDEFGH"[n % 8])
            for at, n in events
        )
    )
    memory = known(behaviour)
    assert memory.payments == len(events)
    assert memory.latest <= latest.KEPT
    assert all(size <= bound for size, bound in zip(memory.sizes, BOUNDS, strict=True))


def test_a_known_device_keeps_its_first_day():
    behaviour = grown(
        event(NOW_MS - 5 * DAY_MS, device_id="a"), event(NOW_MS, device_id="b"), event(NOW_MS, device_id="a")
    )
    found = compute([(behaviour, event(device_id="a"), Shared())])[0]
    assert found[NAMES.index("device_age_days")] == 5


def test_a_behaviour_is_told_by_names():
    memory = known(grown(event(NOW_MS - HOUR_MS, amount="7.5"), event(NOW_MS, amount="2")))
    assert memory == Known(
        first_ms=NOW_MS - HOUR_MS, last_ms=NOW_MS, payments=2, amount_max_cents=750, category_mask=1, latitude=52.52, longitude=13.4,
        place_ms=NOW_MS, hours=memory.hours, sizes=memory.sizes, latest=2, words=memory.words,
    )  # fmt: skip
    assert sum(memory.hours) == 2


def test_updating_leaves_the_old_value_alone():
    before = grown(event())
    copy = bytes(bytearray(before))
    update(before, event())
    assert before == copy
