import math

from ml.profile.cross_user_signals import OfflineSignals, merchant_rate
from ml.profile.windows import DAY_MS
from tests.support.builders import NOW_MS, event


def test_other_customers_on_a_device_are_counted_as_of_the_event():
    memory = OfflineSignals()
    for user in range(5):
        memory.observe(event(NOW_MS + user), user)
    assert memory.observe(event(NOW_MS + 10), 99).device_users == 5
    assert memory.observe(event(NOW_MS + 10), 99).device_users == 5, "a redelivery does not count"


def test_who_came_a_week_ago_is_forgotten():
    memory = OfflineSignals()
    memory.observe(event(NOW_MS - 8 * DAY_MS), 1)
    assert memory.observe(event(NOW_MS), 2).device_users == 0


def test_what_was_not_sent_is_missing():
    assert math.isnan(OfflineSignals().observe(event(device_id=None), 1).device_users)


def test_a_merchant_without_a_yesterday_has_no_rate():
    assert math.isnan(merchant_rate(5, 0))
    assert merchant_rate(10, 144) == 5.0
