"""A worker that was frozen for longer than the group waits, and then goes on: what it had belongs
to another worker by now, and nobody may see a second decision of the same transaction.
"""

import asyncio
import uuid

import orjson
from aiokafka import AIOKafkaProducer
from pydantic_core import from_json

from devtools.audit.audit import read_topic
from fraud_app import topics
from fraud_app.decisions.assignment import SeenAssignments, assignment_of
from tests.support.api_client import until
from tests.support.builders import FOREIGN_KEY, fresh
from tests.support.cluster import RECOVERY_S, clients_of

USERS = 40
BEFORE, DURING = 40 * USERS, 8 * USERS


async def send(producer, users, count):
    """Put so many transactions into the partitions of their users, at once."""
    transactions = [fresh(user_id=users[number % len(users)]) for number in range(count)]
    sent = [
        await producer.send(topics.RAW, orjson.dumps(each), key=each["user_id"].encode())
        for each in transactions
    ]
    await asyncio.gather(*sent)
    return transactions


async def current_decisions(brokers, ids):
    """The different decisions of each of these transactions, without those that readers drop."""
    seen, decisions = SeenAssignments(), {}
    for record in await read_topic(brokers, topics.SCORED):
        assignment = assignment_of(record.headers)
        if record.key == FOREIGN_KEY or seen.is_stale(record.partition, record.offset, assignment):
            continue
        message = from_json(record.value)
        if message["transaction_id"] in ids:
            decision = (message["probability"], *message["degraded"], *message["features"][:8])
            decisions.setdefault(message["transaction_id"], set()).add(decision)
    return decisions


async def test_a_worker_that_wakes_after_it_was_taken_for_dead_decides_nothing_again(
    running, freezer
):
    brokers = running.environment["FRAUD_KAFKA__BROKERS"]
    users = [f"frozen-{uuid.uuid4().hex}" for _ in range(USERS)]
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    try:
        async with clients_of(running.addresses) as (survivor, _):
            sent = await send(producer, users, BEFORE)
            # It has most of its part still before it, fetched or half decided.
            freezer.freeze(running.workers[1].process)
            await until(
                lambda: survivor.get("/health"),
                lambda answer: len(answer.body["partitions"]) == 4,
                RECOVERY_S,
            )
            sent += await send(producer, users, DURING)
            ids = {each["transaction_id"] for each in sent}
            await until(
                lambda: current_decisions(brokers, ids),
                lambda decisions: decisions.keys() == ids,
                RECOVERY_S,
            )
            freezer.thaw()
            async with clients_of(running.addresses) as clients:
                await until(
                    lambda: clients[1].get("/health"),
                    lambda answer: len(answer.body["partitions"]) > 0,
                    RECOVERY_S,
                )
            sent += await send(producer, users, USERS)
        ids = {each["transaction_id"] for each in sent}
        decisions = await until(
            lambda: current_decisions(brokers, ids), lambda decisions: decisions.keys() == ids
        )
    finally:
        await producer.stop()
    assert [copies for copies in decisions.values() if len(copies) > 1] == []
    only = {identity: next(iter(copies)) for identity, copies in decisions.items()}
    assert [decision for decision in only.values() if "redis" in decision] == []
    last = {each["user_id"]: each["transaction_id"] for each in sent}
    counts = {only[identity][-8:][4] for identity in last.values()}
    assert counts == {len(sent) // USERS - 1}, "each transaction counted once"
