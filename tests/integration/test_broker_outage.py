"""The broker is killed under load and stays away for longer than any time limit of a client: nobody
ends itself, all join their groups again, and nothing is lost or counted twice. The worker is the
first of its cluster, and stays alone: nothing is assigned to it a second time.
"""

import asyncio

import aiohttp
import pytest
import redis.asyncio as redis
from aiokafka.admin import AIOKafkaAdminClient

from devtools.audit.audit import audit_delivery
from devtools.audit.check_delivery import generate_traffic, send_http, wait_until_stored
from devtools.stack.test_cluster import Cluster
from tests.support.api_client import ApiClient, until

OUTAGE_S = 40.0
"""Longer than a worker may stand still, than a session, and than a request."""
GROUPS = ("fraud-scoring", "fraud-storage", "fraud-feed")


async def group_sizes(brokers):
    """How many members each group has. aiokafka can read the answer for one group only."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        answers = [await admin.describe_consumer_groups([group]) for group in GROUPS]
    finally:
        await admin.close()
    return [len(answer.to_object()["groups"][0]["members"]) for [answer] in answers]


@pytest.fixture
def cluster():
    log = []
    cluster = Cluster("test-broker-outage", 1, log.append, FRAUD_STREAM__CLOCK="occurred")
    try:
        yield cluster
    finally:
        cluster.stop()


async def test_an_outage_of_the_broker_is_waited_out(cluster):
    generated = generate_traffic(3000, seed=5)
    transactions = [labelled.transaction for labelled in generated]
    brokers = cluster.environment["FRAUD_KAFKA__BROKERS"]
    halfway = asyncio.Event()

    def traffic():
        for number, labelled in enumerate(generated):
            if number == len(generated) // 2:
                halfway.set()
            yield labelled

    sending = asyncio.create_task(send_http(cluster.addresses, traffic()))
    async with aiohttp.ClientSession(cluster.addresses[0]) as session:
        api = ApiClient(session)
        await halfway.wait()
        cluster.stack.kafka.kill()
        await asyncio.sleep(OUTAGE_S)
        state = await api.get("/health")
        assert (state.status, state.body["checks"]["kafka"]["status"]) == (503, "down")
        assert not sending.done(), "without a broker nothing is accepted"
        await asyncio.to_thread(cluster.stack.start_again, "kafka")
        await asyncio.wait_for(sending, 120)
        await wait_until_stored(cluster.environment["FRAUD_POSTGRES__DSN"], len(generated))
        await until(lambda: api.get("/health"), lambda answer: answer.body["status"] == "ok")
    await until(lambda: group_sizes(brokers), [1, 1, 1].__eq__)

    async def audited():
        return await audit_delivery(cluster.environment, transactions, by_occurred=True)

    result = await until(audited, lambda result: result.faults == [])
    assert result.stored == result.scored == len(generated)
    assert [service.restarts for service in (*cluster.workers, cluster.sinks)] == [0, 0]
    async with redis.from_url(cluster.environment["FRAUD_REDIS__URL"]) as client:
        await client.flushall()
    result = await until(audited, lambda result: result.faults == [])
    assert result.miscounted == 0, "the mirror is filled again from the worker's own rows"
