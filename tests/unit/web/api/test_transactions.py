"""Addresses and cursors that the API gives lead back to the same place, whatever the ids are."""

import base64
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from fraud_app.contracts.transaction_key import TransactionKey
from fraud_app.postgres.transaction_list import Position
from web.api import transactions
from web.http.problem import Problem
from web.schemas.transactions import ListQuery, TransactionQuery

ids = st.one_of(
    st.from_regex(r"[!-~ÄéßЖ漢😀/?#&=+%\"\\ ]{1,128}", fullmatch=True),
    st.sampled_from(["😀" * 128, '"' * 128, "a&user_id=b", "..", "%2F"]),
)
AT = datetime(2026, 11, 28, 12, 30, 15, 123456, UTC)


@given(ids, ids)
def test_an_address_leads_to_the_transaction_it_was_given_for(user, identity):
    address = URL(transactions._address(TransactionKey(user, identity)), encoded=True)
    assert address.raw_parts[:3] == ("/", "api", "transactions")
    assert address.parts[3:] == (identity,)
    assert TransactionQuery.model_validate(dict(address.query)).user_id == user


@given(ids, ids)
def test_a_cursor_stands_for_the_row_it_was_made_of(user, identity):
    position = Position(AT, identity, user)
    cursor = transactions._cursor(position)
    assert transactions._position(cursor) == position
    assert ListQuery(cursor=cursor).cursor == cursor, "not too long to be sent back"


def test_a_cursor_of_the_version_before_goes_on_after_its_id():
    cursor = transactions._cursor((AT, "t-1"))
    assert transactions._position(cursor) == Position(AT, "t-1", "")


@pytest.mark.parametrize("value", [[], [1, 2], ["x", "y"], {"a": 1}, [AT.isoformat(), "t", 7], 7])
def test_anything_else_is_no_cursor(value):
    cursor = base64.urlsafe_b64encode(orjson.dumps(value)).decode()
    with pytest.raises(Problem, match="cursor"):
        transactions._position(cursor)
