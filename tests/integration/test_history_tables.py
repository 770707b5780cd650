"""The tables of the history keep the transactions of two customers apart that have the same id."""

import struct
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from pydantic_core import from_json

from fraud_app.contracts.label import Label
from fraud_app.contracts.scored import Decision
from fraud_app.decisions.scored_message import scored_message
from fraud_app.postgres import (
    customers,
    labels,
    related,
    shadow_scores,
    training_history,
    transaction_list,
    transactions,
)
from fraud_app.postgres.connection import apply_migrations, connect
from fraud_app.postgres.shadow_scores import ShadowScore
from fraud_app.postgres.transaction_list import TransactionFilter
from ml.features import NAMES
from tests.support.builders import decision, transaction
from tests.support.database import own_database

NOW = datetime.now(UTC)
NOW_MS = round(NOW.timestamp() * 1000)
FEATURES = struct.pack(f"<{len(NAMES)}f", *range(len(NAMES)))


def row(user, identity="order-1", answer=None, **fields):
    scored = decision(
        decision=fields.pop("decided", Decision.REVIEW),
        features=FEATURES,
        **{"received_ms": NOW_MS, "scored_ms": NOW_MS + 3, **fields},
    )
    sent = transaction(
        user_id=user, transaction_id=identity, device_id="shared", issuer_response=answer
    )
    return transactions.parse_row(scored_message(sent, scored))


def label(identity="order-1", *, is_fraud=True, later_s=0, **fields):
    at = NOW + timedelta(seconds=later_s)
    source = fields.pop("source", "chargeback")
    return Label(
        transaction_id=identity, is_fraud=is_fraud, source=source, labelled_at=at, **fields
    )


@pytest_asyncio.fixture
async def connection(running):
    async with own_database(running) as postgres:
        await apply_migrations(postgres)
        async with connect(postgres) as connection:
            yield connection


async def known(connection, row):
    """The labels of a transaction by source."""
    found = await labels.for_transaction(connection, row.key)
    return {label["source"]: label["is_fraud"] for label in found}


async def test_both_are_stored_counted_and_queued_once_however_often_they_come(connection):
    ann, bob = row("ann"), row("bob")
    assert await transactions.store(connection, [ann, bob, ann]) == 2
    assert await transactions.store(connection, [bob, ann]) == 0
    assert await connection.fetchval("SELECT sum(transactions) FROM decision_rollup") == 2
    assert await connection.fetchval("SELECT count(*) FROM review_queue") == 2


async def answers(connection):
    """The issuer's answer by customer."""
    listed = await transaction_list.page(connection, TransactionFilter(), 10, None)
    scored = [from_json(stored.scored) for stored in listed]
    return {message["user_id"]: message["issuer_response"] for message in scored}


async def test_the_issuers_latest_answer_is_stored_with_its_transaction_only(connection):
    await transactions.store(connection, [row("ann", answer="approved"), row("bob")])
    assert await answers(connection) == {"ann": "approved", "bob": None}
    await transactions.store(connection, [row("ann", answer="declined"), row("ann")])
    assert await answers(connection) == {"ann": "declined", "bob": None}
    await transactions.store(connection, [row("cy"), row("cy", answer="declined")])
    assert await answers(connection) == {"ann": "declined", "bob": None, "cy": "declined"}


async def test_a_later_answer_leaves_the_decision_and_all_figures_as_they_are(connection):
    async def all_else():
        [listed] = await transaction_list.page(connection, TransactionFilter(), 10, None)
        message = from_json(listed.scored)
        del message["issuer_response"]
        counts = "SELECT sum(transactions) FROM decision_rollup"
        return message, await connection.fetchval(counts)

    await transactions.store(connection, [row("ann")])
    before = await all_else()
    await transactions.store(connection, [row("ann", answer="declined")])
    assert await all_else() == before


async def test_a_page_may_end_between_two_with_the_same_id_and_time(connection):
    rows = [row(user) for user in ("ann", "bob", "cy")]
    await transactions.store(connection, rows)
    seen, after = [], None
    while page := await transaction_list.page(connection, TransactionFilter(), 1, after):
        [listed] = page
        seen.append(listed.position.user_id)
        after = listed.position
    assert seen == ["cy", "bob", "ann"]


async def test_the_other_one_is_related_and_the_transaction_itself_is_not(connection):
    ann, bob = row("ann"), row("bob")
    await transactions.store(connection, [ann, bob])
    found = await related.related_to(connection, ann.key, {"device_id": "shared", "user_id": "ann"})
    assert [other["user_id"] for other in found["device_id"]] == ["bob"]
    assert found["user_id"] == []


async def test_a_label_with_its_customer_is_of_that_customer_only(connection):
    ann, bob = row("ann"), row("bob")
    await transactions.store(connection, [ann, bob])
    assert await labels.store(connection, [label(user_id="ann")]) == 0
    assert (await known(connection, ann), await known(connection, bob)) == (
        {"chargeback": True},
        {},
    )
    assert await customers.fraud_count(connection, "ann") == 1
    assert await customers.fraud_count(connection, "bob") == 0
    history, _ = await training_history.load(connection)
    assert sorted(history.fraud.tolist()) == [False, True]


async def test_a_label_without_its_customer_is_of_nobody_when_the_id_is_ambiguous(connection):
    ann, bob = row("ann"), row("bob")
    await transactions.store(connection, [ann, bob])
    assert await labels.store(connection, [label(), label("unknown")]) == 1
    assert (await known(connection, ann), await known(connection, bob)) == ({}, {})
    assert await labels.unmatched(connection) == 2
    assert not (await training_history.load(connection)).history.fraud.any()


async def test_a_blocked_transaction_counts_as_fraud_in_training_until_it_is_cleared(connection):
    def at(user, day, decided):
        ms = round((NOW + timedelta(days=day)).timestamp() * 1000)
        return row(user, decided=decided, received_ms=ms, scored_ms=ms + 3)

    stored = {"first": 0, "blocked": 20, "cleared": 21, "blocked-late": 95, "last": 100}
    for user, day in stored.items():
        decided = Decision.APPROVE if user in ("first", "last") else Decision.BLOCK
        await transactions.store(connection, [at(user, day, decided)])
    await labels.store(connection, [label(user_id="cleared", is_fraud=False)])
    history, assumed = await training_history.load(connection)
    found = dict(zip(history.customer.tolist(), history.known.tolist(), strict=True))
    assert found == {"first": False, "blocked": True, "cleared": False, "last": False}, (
        "of the test part, where it would flatter a model that blocks alike, it is left out"
    )
    assert assumed == 2


async def test_a_label_that_comes_before_its_transaction_waits_for_it(connection):
    ann = row("ann")
    await labels.store(connection, [label()])
    await transactions.store(connection, [ann])
    await labels.match(connection, [ann.transaction_id])
    assert await known(connection, ann) == {"chargeback": True}
    assert await labels.unmatched(connection) == 0
    # It was given while ann's was the only one, so it stays hers.
    await transactions.store(connection, [row("bob")])
    await labels.match(connection, [ann.transaction_id])
    assert await known(connection, ann) == {"chargeback": True}


async def test_the_latest_label_of_a_source_stands_with_or_without_its_customer(connection):
    ann = row("ann")
    await labels.store(connection, [label(is_fraud=True, later_s=5)])
    await transactions.store(connection, [ann])
    await labels.store(connection, [label(is_fraud=False, user_id="ann", later_s=1)])
    await labels.match(connection, [ann.transaction_id])
    assert await known(connection, ann) == {"chargeback": True}
    await labels.store(connection, [label(is_fraud=False, later_s=9)])
    assert await known(connection, ann) == {"chargeback": False}


async def test_a_challenger_is_compared_on_both(connection):
    rows = [row("ann"), row("bob")]
    await transactions.store(connection, rows)
    scores = [
        ShadowScore(one.user_id, one.transaction_id, "lgbm:2", 0.9, "block", one.scored_at)
        for one in rows
    ]
    await shadow_scores.store(connection, scores)
    await shadow_scores.store(connection, scores)
    await labels.store(connection, [label(user_id="ann")])
    agreement = await shadow_scores.compare(connection, "lgbm:2", 24)
    assert (agreement.transactions, agreement.stricter, agreement.labelled) == (2, 2, 1)
