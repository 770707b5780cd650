import math

from ml.profile.cross_user_signals import OfflineSignals, merchant_rate
from ml.profile.windows import DAY_MS
from tests.support.builders import NOW_MS, event


def test_other_customers_on_a_device_are_counted_as_of_the_event():
    signals = OfflineSignals()
    for user in range(5):
        signals.observe(event(NOW_MS + user), user)
    assert signals.observe(event(NOW_MS + 10), 99).device_users == 5
    assert signals.observe(event(NOW_MS + 10), 99).device_users == 5, "a redelivery does not count"


def test_a_user_of_a_week_ago_is_not_counted():
    signals = OfflineSignals()
    signals.observe(event(NOW_MS - 8 * DAY_MS), 1)
    assert signals.observe(event(NOW_MS), 2).device_users == 0


def test_a_missing_field_gives_a_missing_signal():
    assert math.isnan(OfflineSignals().observe(event(device_id=None), 1).device_users)


def test_a_merchant_without_a_yesterday_has_no_rate():
    assert math.isnan(merchant_rate(5, 0))
    assert merchant_rate(10, 144) == 5.0
