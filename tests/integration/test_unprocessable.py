"""A record that makes deciding fail stops nothing; a fault of ours stops scoring and throws nothing
away.
"""

import asyncio
import uuid

import aiohttp
import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from devtools.audit.audit import read_topic
from devtools.stack.test_cluster import Cluster
from fraud_app.kafka.partitioner import partition_of
from fraud_app.settings import ROOT
from tests.support.api_client import ApiClient, until

PARTITIONS = 4


@pytest.fixture(scope="module")
def flag(tmp_path_factory):
    """While this file exists, the worker of these tests can decide nothing."""
    return tmp_path_factory.mktemp("faults") / "broken"


@pytest.fixture(scope="module")
def breakable(flag):
    faults = ROOT / "tests" / "support" / "faults"
    cluster = Cluster(
        "unprocessable",
        1,
        lambda _: None,
        PYTHONPATH=f"{faults}:{ROOT}",
        FRAUD_TEST_BROKEN=str(flag),
    )
    yield cluster
    cluster.stop()


@pytest.fixture
async def worker(breakable):
    async with aiohttp.ClientSession(breakable.addresses[0]) as session:
        yield ApiClient(session)


def transaction(user, merchant="m1"):
    return {
        "transaction_id": f"t-{uuid.uuid4().hex}",
        "user_id": user,
        "amount": "10.00",
        "currency": "EUR",
        "merchant_id": merchant,
    }


async def send(cluster, transactions):
    """Put transactions into their users' partitions, in this order and at once."""
    producer = AIOKafkaProducer(bootstrap_servers=cluster.environment["FRAUD_KAFKA__BROKERS"])
    await producer.start()
    try:
        sent = [
            await producer.send(
                "transactions.raw",
                orjson.dumps(each),
                key=each["user_id"].encode(),
                partition=partition_of(each["user_id"], PARTITIONS),
            )
            for each in transactions
        ]
        return await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def stored(cluster, transactions):
    """How many of these are stored."""
    connection = await asyncpg.connect(cluster.environment["FRAUD_POSTGRES__DSN"])
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM transactions WHERE transaction_id = ANY($1)",
            [each["transaction_id"] for each in transactions],
        )
    except asyncpg.UndefinedTableError:
        return 0  # the sinks are still starting
    finally:
        await connection.close()


async def letters(cluster):
    """Code, attempts and transaction id of every dead letter."""
    records = await read_topic(cluster.environment["FRAUD_KAFKA__BROKERS"], "transactions.dlq")
    return [
        (
            dict(record.headers)["dlq_error_code"].decode(),
            dict(record.headers)["dlq_attempts"].decode(),
            orjson.loads(record.value)["transaction_id"],
        )
        for record in records
    ]


async def test_one_poisoned_record_is_dead_lettered_and_all_others_are_decided(breakable):
    poison = transaction("u1", "poison")
    others = [transaction(f"u{number % 7}") for number in range(60)]
    await send(breakable, [*others[:30], poison, *others[30:]])
    await until(lambda: stored(breakable, others), lambda count: count == len(others))
    assert ("unprocessable", "2", poison["transaction_id"]) in await letters(breakable)
    assert breakable.workers[0].restarts == 0


async def test_the_dead_letter_says_where_and_not_what(breakable):
    records = await read_topic(breakable.environment["FRAUD_KAFKA__BROKERS"], "transactions.dlq")
    detail = dict(records[0].headers)["dlq_error_message"].decode()
    assert detail.startswith("ZeroDivisionError in faults/sitecustomize.py:")
    assert detail.endswith("tried 2 times")
    assert "t-" not in detail


async def test_a_kill_beside_poison_loses_nothing_and_counts_nothing_twice(breakable, worker):
    user = f"u-{uuid.uuid4().hex}"
    rounds = [
        each
        for _ in range(10)
        for each in (transaction(user), transaction(user, "poison"), transaction(user))
    ]
    await send(breakable, rounds)
    breakable.workers[0].process.kill()
    await asyncio.sleep(0.5)  # until the supervisor has seen it
    await asyncio.to_thread(breakable.workers[0].wait_ready_again)
    good = [each for each in rounds if each["merchant_id"] != "poison"]
    await until(lambda: stored(breakable, good), lambda count: count == len(good), 60)
    dead = {identity for _, _, identity in await letters(breakable)}
    assert {each["transaction_id"] for each in rounds if each not in good} <= dead
    assert not {each["transaction_id"] for each in good} & dead
    customer = await until(
        lambda: worker.get(f"/api/users/{user}"), lambda answer: answer.status == 200, 60
    )
    assert customer.body["behaviour"]["payments"] == len(good)


async def test_when_nothing_can_be_decided_nothing_is_thrown_away_and_it_is_said(
    breakable, worker, flag
):
    before = await letters(breakable)
    waiting = [transaction(f"w{number}") for number in range(12)]
    restarts = breakable.workers[0].restarts
    flag.touch()
    try:
        await send(breakable, waiting)
        health = await until(
            lambda: worker.get("/health"),
            lambda answer: answer.body["checks"]["worker"]["status"] == "down",
        )
        assert "scoring has stopped" in health.body["checks"]["worker"]["detail"]
        assert (health.status, (await worker.get("/readyz")).status) == (503, 503)
        assert await stored(breakable, waiting) == 0
    finally:
        flag.unlink()
    await until(lambda: stored(breakable, waiting), lambda count: count == len(waiting))
    await until(lambda: worker.get("/health"), lambda answer: answer.body["status"] == "ok")
    assert await letters(breakable) == before
    assert breakable.workers[0].restarts == restarts
