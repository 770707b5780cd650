"""When a worker counts as hanging."""

from agents.background.standstill import Standstill


def test_a_worker_with_waiting_records_and_no_progress_stands_still():
    standstill = Standstill(0.0)
    assert standstill.seconds({0: 5}, {0: 10}, 10.0) == 0.0, (
        "the first measurement: a record may just have been processed"
    )
    assert standstill.seconds({0: 5}, {0: 10}, 25.0) == 15.0
    assert standstill.seconds({0: 9}, {0: 10}, 45.0) == 35.0


def test_any_processed_record_ends_a_standstill():
    standstill = Standstill(0.0)
    standstill.seconds({0: 5, 1: 7}, {0: 10, 1: 3}, 1.0)
    assert standstill.seconds({0: 5, 1: 6}, {0: 10, 1: 4}, 60.0) == 0.0
    assert standstill.seconds({0: 5, 1: 6}, {0: 10, 1: 4}, 61.0) == 1.0


def test_an_idle_worker_never_stands_still():
    standstill = Standstill(0.0)
    for now in range(0, 1000, 100):
        assert standstill.seconds({0: 0}, {0: 10}, now) == 0.0
    assert standstill.seconds({}, {0: 10}, 5000.0) == 0.0
