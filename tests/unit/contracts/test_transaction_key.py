"""What names a transaction."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from fraud_app.contracts.transaction import Identifier
from fraud_app.contracts.transaction_key import TransactionKey
from tests.support.builders import transaction

IDENTIFIERS = TypeAdapter(Identifier)
# Few characters, some of which others use to join texts: so that texts that are alike are likely.
ids = st.text("a:/,|\\ \"'[]é😀", min_size=1, max_size=4)
keys = st.builds(TransactionKey, ids, ids)


@given(keys, keys)
def test_two_transactions_never_have_the_same_text(one, other):
    for identity in (*one, *other):
        assert IDENTIFIERS.validate_python(identity) == identity
    assert (one.text == other.text) == (one == other)


def test_the_same_id_of_two_customers_names_two_transactions():
    ann, bob = (transaction(transaction_id="order-1", user_id=user) for user in ("ann", "bob"))
    assert ann.key != bob.key
    assert ann.key == transaction(transaction_id="order-1", user_id="ann", amount="7.00").key
