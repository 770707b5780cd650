"""Histories that are read from files."""

import orjson
import pytest

from ml.training.history import from_files
from tests.support.builders import payload


def labelled(tmp_path, transactions, labels):
    """By customer, whether the transaction counts as fraud."""
    files = []
    for name, lines in (("tx", transactions), ("labels", labels)):
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return {one.transaction.user_id: one.is_fraud for one in from_files(*files)}


def of(user):
    return payload(transaction_id="order-1", user_id=user)


FRAUD = {"transaction_id": "order-1", "is_fraud": True}


def test_a_label_without_its_customer_is_of_the_only_transaction_with_its_id(tmp_path):
    ann = of("ann")
    assert labelled(tmp_path, [ann], [FRAUD]) == {"ann": True}
    assert labelled(tmp_path, [ann, ann], [FRAUD]) == {"ann": True}, "sent twice"
    assert labelled(tmp_path, [ann, of("bob")], [FRAUD]) == {"ann": False, "bob": False}


def test_a_label_with_its_customer_is_of_that_customer(tmp_path):
    both = [of("ann"), of("bob")]
    assert labelled(tmp_path, both, [{**FRAUD, "user_id": "bob"}]) == {"ann": False, "bob": True}


@pytest.mark.parametrize(("word", "expected"), [("Y", True), ("N", False), (0, False), (1, True)])
def test_a_shops_own_word_for_no_is_no(tmp_path, word, expected):
    assert labelled(tmp_path, [of("ann")], [{**FRAUD, "is_fraud": word}]) == {"ann": expected}


def test_a_dispute_that_was_won_clears(tmp_path):
    words = [
        {**FRAUD, "is_fraud": False, "labelled_at": "2026-04-01T00:00:00Z"},
        {**FRAUD, "labelled_at": "2026-03-01T00:00:00Z"},
    ]
    assert labelled(tmp_path, [of("ann")], words) == {"ann": False}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({**FRAUD, "is_fraud": "maybe"}, "labels.jsonl, line 2: is_fraud"),
        ({"is_fraud": True}, "labels.jsonl, line 2: transaction_id"),
        (["no", "label"], "labels.jsonl, line 2"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path, line, reason):
    with pytest.raises(ValueError, match=reason):
        labelled(tmp_path, [of("ann")], [FRAUD, line])
