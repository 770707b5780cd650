"""When it is said that a producer's open transaction holds a partition up."""

from agents.background.open_transactions import OpenTransactions


def test_a_transaction_that_stays_open_is_told_with_what_waits_behind_it():
    transactions = OpenTransactions()
    assert transactions.sentence({3: (7, 2)}, 100.0) == ""
    assert transactions.sentence({3: (7, 4)}, 109.0) == ""
    assert transactions.sentence({3: (7, 5), 1: (9, 1)}, 112.0) == (
        "5 messages of partition 3 wait for the end of a producer's open Kafka transaction, "
        "for 12 s now"
    )
    assert transactions.sentence({3: (7, 5), 1: (9, 4)}, 123.0).startswith(
        "9 messages of partition 1, 3 wait"
    )


def test_one_transaction_after_the_other_holds_nothing_up():
    transactions = OpenTransactions()
    for number in range(50):
        assert transactions.sentence({0: (number, 3)}, number * 5.0) == ""


def test_the_end_of_a_transaction_ends_the_sentence():
    transactions = OpenTransactions()
    transactions.sentence({0: (7, 1)}, 0.0)
    assert transactions.sentence({0: (7, 1)}, 60.0)
    assert transactions.sentence({}, 61.0) == ""
    assert transactions.sentence({0: (7, 1)}, 62.0) == ""
