"""When a worker counts as hanging."""

from agents.background.standstill import Absence, Standstill


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


def test_time_without_a_broker_is_no_standstill():
    standstill = Standstill(0.0)
    standstill.seconds({0: 5}, {0: 10}, 1.0)
    assert standstill.seconds({0: 5}, {0: 10}, 25.0) == 24.0
    standstill.pass_over(63.0)
    assert standstill.seconds({0: 900}, {0: 10}, 65.0) == 2.0


def test_an_application_that_is_out_of_its_group_is_absent():
    absence = Absence(0.0)
    assert absence.seconds(10.0, member=True) == 0.0
    assert absence.seconds(25.0, member=False) == 15.0
    absence.pass_over(60.0)
    assert absence.seconds(61.0, member=False) == 1.0
    assert absence.seconds(62.0, member=True) == 0.0
