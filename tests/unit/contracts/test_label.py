"""Labels, and which record of the topic replaces which."""

import pytest
from pydantic import ValidationError

from fraud_app.contracts.label import Label


def label(**fields):
    return Label(
        **{"transaction_id": "order-1", "is_fraud": True, "source": "chargeback", **fields}
    )


def test_a_label_without_its_customer_is_read_as_before():
    text = '{"transaction_id": "order-1", "is_fraud": true, "source": "chargeback"}'
    assert Label.model_validate_json(text).user_id is None
    assert label().record_key() == b"order-1"


def test_compaction_keeps_the_labels_of_two_customers_with_one_id():
    assert label(user_id="ann").record_key() != label(user_id="bob").record_key()
    assert label(user_id="ann").record_key() == label(user_id="ann").record_key()


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 129, 7])
def test_a_customer_that_can_be_none_is_refused(user):
    with pytest.raises(ValidationError, match="user_id"):
        label(user_id=user)


def test_a_label_is_of_the_masked_id_that_its_transaction_has():
    assert label(transaction_id="4111111111111111").transaction_id == "411111******1111"


def test_a_label_holds_no_card_data():
    made = label(reason="said his card 4111 1111 1111 1111, cvv 737, was stolen")
    assert made.reason == "said his card **** **** **** 1111, cvv ***, was stolen"
