"""Histories that are read from files."""

import orjson

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
