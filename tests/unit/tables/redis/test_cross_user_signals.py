"""What the scripts in Redis are asked; their answers are tried on the real server."""

from ml.profile.event import hash64
from tables.redis.cross_user_signals import arguments
from tests.support.builders import event


def members(*events):
    """What is added to the merchant's count for each of these events of a user."""
    asked = arguments([(event, hash64(user)) for event, user in events])
    return [argument.split()[-1] for argument in asked]


def test_a_merchant_counts_the_same_id_of_two_customers_twice_and_a_redelivery_once():
    order = event(transaction_id="order-1")
    ann, bob, again = members((order, "ann"), (order, "bob"), (order, "ann"))
    assert ann != bob
    assert ann == again
    assert all(0 <= int(member) < 2**64 for member in (ann, bob))
