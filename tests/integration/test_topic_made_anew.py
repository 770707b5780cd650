"""`transactions.raw` is deleted and created anew, under a running worker and behind the back of a
stopped one: the epoch is raised by itself, and every record of the new topic is decided.
"""

import asyncio
import uuid

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from devtools.audit.audit import audit_delivery
from devtools.audit.check_delivery import generate_traffic, send_http, send_kafka, wait_until_stored
from devtools.stack import ports
from devtools.stack.services import sinks_service, worker_service
from devtools.stack.stack import HOME, Stack
from fraud_app.topics import RAW, TOPICS
from tests.support.api_client import ApiClient, until
from tests.support.builders import fresh
from tests.support.history import PARTITIONS

CONFIG = next(topic.config for topic in TOPICS if topic.name == RAW)


class System:
    """One worker and the sinks, which nobody starts again."""

    def __init__(self):
        self.stack = Stack(HOME / "test-topic", lambda text: None)
        self.stack.wipe()
        self.stack.start()
        self.environment = {**self.stack.environment(), "FRAUD_STREAM__CLOCK": "occurred"}
        directory = self.stack.directory
        self.worker = worker_service(1, self.environment, directory, ports.any_free())
        self.sinks = sinks_service(self.environment, directory)
        for service in (self.worker, self.sinks):
            service.start()
        self.worker.wait_ready()

    @property
    def brokers(self):
        return self.environment["FRAUD_KAFKA__BROKERS"]

    @property
    def address(self):
        return f"http://127.0.0.1:{self.worker.port}/"

    async def delete_topic(self):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        await admin.start()
        try:
            await admin.delete_topics([RAW])

            async def is_gone():
                [topic] = await admin.describe_topics([RAW])
                return topic["error_code"] != 0

            await until(is_gone)
        finally:
            await admin.close()

    async def create_topic(self, partitions=PARTITIONS):
        admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        await admin.start()
        try:

            async def is_created():
                answer = await admin.create_topics(
                    [NewTopic(RAW, partitions, 1, topic_configs=CONFIG)]
                )
                return answer.topic_errors[0][1] in (0, 36)  # made now, or there

            await until(is_created)
        finally:
            await admin.close()

    async def everything_stored(self, count):
        await wait_until_stored(self.environment["FRAUD_POSTGRES__DSN"], count)

    def still_run(self):
        return [service.process.exit_code for service in (self.worker, self.sinks)] == [None, None]

    def stop(self):
        for service in (self.sinks, self.worker):
            service.stop()
        self.stack.stop()


@pytest.fixture
async def system():
    system = await asyncio.to_thread(System)
    try:
        yield system
    finally:
        await asyncio.to_thread(system.stop)


async def audited(system, generated):
    """What is found of everything that was sent, once the mirror has caught up. The replay of the
    features is left out: of the topics before there is nothing left to replay.
    """
    transactions = [labelled.transaction for labelled in generated]

    async def audit():
        result = await audit_delivery(system.environment, transactions, by_occurred=True)
        result.faults = [fault for fault in result.faults if "features differ" not in fault]
        return result

    return await until(audit, lambda result: result.faults == [])


async def test_every_transaction_of_a_topic_made_anew_is_decided(system):
    generated = generate_traffic(900, seed=3)
    first, second, third = generated[:400], generated[400:600], generated[600:]

    await send_http([system.address], first)
    await system.everything_stored(400)

    # Under the running worker.
    await system.delete_topic()
    await system.create_topic()
    await send_http([system.address], second)
    await system.everything_stored(600)
    assert system.still_run()

    # Behind a stopped worker, with a commit of the old topic in the middle of the new one.
    await asyncio.to_thread(system.worker.stop)
    await system.delete_topic()
    await system.create_topic()
    await send_kafka(system.brokers, third)
    await commit_in_the_middle(system.brokers)
    system.worker.start()
    await asyncio.to_thread(system.worker.wait_ready)
    await system.everything_stored(900)

    result = await audited(system, generated)
    assert result.stored == result.scored == 900
    assert result.miscounted == 0
    async with aiohttp.ClientSession(system.address) as session:
        health = await until(
            lambda: ApiClient(session).get("/health"), lambda answer: answer.body["status"] == "ok"
        )
        assert health.status == 200


async def commit_in_the_middle(brokers):
    """Commit 20 for each partition, as a worker does that had not noticed."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, group_id="fraud-scoring", enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(RAW, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)

        async def committed():
            try:
                await consumer.commit(
                    {partition: OffsetAndMetadata(20, "") for partition in partitions}
                )
            except KafkaError:  # the worker has not left the group yet
                return False
            return True

        await until(committed)
    finally:
        await consumer.stop()


async def test_a_topic_that_is_missing_or_wrong_is_said_and_nothing_is_accepted(system):
    async with aiohttp.ClientSession(system.address) as session:
        api = ApiClient(session)
        assert (await api.decided(fresh()))["decision"]
        await system.everything_stored(1)  # the sinks have started: no start creates topics now

        async def said():
            return (await api.get("/health")).body["checks"]["worker"]["detail"]

        await system.delete_topic()
        await until(said, lambda detail: "`fraud topics` creates it" in detail)
        assert (await api.get("/readyz")).status == 503
        answer = await api.post("/api/transactions", fresh())
        assert (answer.status, answer.body["code"]) == (503, "topic_unusable")

        await system.create_topic(partitions=1)
        await until(said, lambda detail: "FRAUD_KAFKA__PARTITIONS" in detail)
        answer = await api.post("/api/transactions", fresh())
        assert (answer.status, answer.body["code"]) == (503, "topic_unusable")

        await system.delete_topic()
        await system.create_topic()
        await until(lambda: api.get("/readyz"), lambda answer: answer.status == 200)
        again = fresh(transaction_id=f"again-{uuid.uuid4().hex}")
        assert (await api.decided(again))["decision"]
        assert system.still_run()
