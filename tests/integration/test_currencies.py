"""Every active currency is accepted. Without a rate to the euro, the amount is missing wherever
amounts are compared or summed, and shown in its own currency.
"""

import asyncpg
import numpy as np
import pytest
from iso4217 import Currency

from fraud_app.contracts import currency
from fraud_app.contracts.scored import Decision
from fraud_app.decisions.scored_message import scored_message
from fraud_app.postgres import training_history
from fraud_app.postgres.transactions import parse_row, store
from tests.support.api_client import until
from tests.support.builders import decision, fresh, transaction
from tests.support.reviews import case, say

NO_RATE = "ISK"


def connect(running):
    return asyncpg.connect(running.environment["FRAUD_POSTGRES__DSN"])


async def test_every_active_currency_is_scored_in_any_case(api):
    codes = [one.code for one in Currency if one.exponent is not None]
    sent = [fresh(currency=code.lower(), amount="1000") for code in codes]
    results = (await api.post("/score/batch", {"transactions": sent})).body["results"]
    assert [one["result"] and one["result"]["currency"] for one in results] == codes
    warned = {one["result"]["currency"] for one in results if one["result"]["input_warnings"] != []}
    assert warned == {code for code in codes if not currency.has_euro_rate(code)}


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "HRK", "EURO", "e"])
async def test_what_is_no_currency_is_refused_at_the_field(api, code):
    refused = await api.post("/api/transactions", fresh(currency=code))
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/currency")


async def test_without_a_rate_a_transaction_is_decided_stored_listed_and_explained(api, running):
    first = fresh(currency="isk", amount="1200", issuer_response="approved")
    scored = await api.decided(first)
    assert (scored["currency"], scored["amount"]) == (NO_RATE, "1200")
    assert [one["field"] for one in scored["input_warnings"]] == ["/currency"]
    assert {"amount", "amount_to_median", "amount_to_smallest_1h"} <= set(scored["missing"])
    identity, user = scored["transaction_id"], scored["user_id"]

    again = await api.decided(fresh(user_id=user, currency=NO_RATE, amount="900"))
    names = [one["name"] for one in (await api.get("/api/features")).body]
    features = dict(zip(names, again["features"], strict=True))
    assert (features["tx_count_1h"], features["amount_sum_1h"]) == (1, 0)

    shown = await until(lambda: case(api, identity), lambda answer: answer.status == 200)
    assert "not known: amount of this payment in euro" in str(shown.body["explanation"])
    listed = (await api.get(f"/api/transactions?q={identity}")).body["items"]
    assert [(one["amount"], one["currency"]) for one in listed] == [("1200", NO_RATE)]
    customer = await until(
        lambda: api.get(f"/api/users/{user}"), lambda answer: answer.body["behaviour"]
    )
    assert customer.body["behaviour"]["largest_eur"] == 0
    tried = await api.post("/score", first)
    assert (tried.status, tried.body["input_warnings"]) == (200, scored["input_warnings"])

    connection = await connect(running)
    try:
        history, _ = await training_history.load(connection)
    finally:
        await connection.close()
    assert np.isnan(history.amount).any()


async def counted_until(connection, moment):
    """Number of decisions, and their sum in euro; no other test decides so long ago."""
    query = """SELECT coalesce(sum(transactions), 0) AS number, coalesce(sum(amount_eur), 0) AS euro
        FROM decision_rollup WHERE bucket <= $1"""
    return tuple(await connection.fetchrow(query, moment))


async def test_without_a_rate_the_loss_is_not_known_and_comes_first_in_the_queue(api, running):
    sent = transaction(**fresh(currency=NO_RATE, amount="5000"))
    message = scored_message(sent, decision(decision=Decision.REVIEW, model="test:1"))
    row = parse_row(message)
    connection = await connect(running)
    try:
        before = await counted_until(connection, row.scored_at)
        assert await store(connection, [row]) == 1
        after = await counted_until(connection, row.scored_at)
    finally:
        await connection.close()
    assert after == (before[0] + 1, before[1])
    items = (await api.get("/api/reviews?limit=200")).body["items"]
    losses = {one["transaction"]["transaction_id"]: one["expected_loss_eur"] for one in items}
    assert losses[sent.transaction_id] is None
    is_known = [loss is not None for loss in losses.values()]
    assert is_known == sorted(is_known)
    assert (await case(api, sent.transaction_id)).body["queue"]["expected_loss_eur"] is None
    assert (await say(api, sent.transaction_id, "approve")).status == 201
