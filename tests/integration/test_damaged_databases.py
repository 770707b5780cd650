"""Databases that are damaged while a worker is down, or whose changelog is gone: every row is there
again before it is used, which the audit's comparison of features and counts would show.
"""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from devtools.audit.audit import CHANGELOG, audit_delivery
from devtools.audit.check_delivery import generate_traffic, send_kafka, wait_until_stored
from devtools.stack.test_cluster import Cluster
from tests.support.api_client import until
from tests.support.cluster import clients_of

EACH = 300
"""Transactions between two starts."""


class Shop:
    """A worker with a shop that sends all the time, and what is damaged meanwhile."""

    def __init__(self, running):
        self.running, [self.worker] = running, running.workers
        self.sent = 0
        self.traffic = generate_traffic(5 * EACH, seed=18)

    @property
    def tables(self):
        data = Path(self.worker.environment["FRAUD_STREAM__DATA_DIR"])
        return data / "fraud-scoring" / "v1" / "tables"

    def database(self, partition):
        return self.tables / f"user_rows-{partition}.db"

    def moved_aside(self, partition):
        return list(self.tables.glob(f"user_rows-{partition}.db.damaged-*"))

    def log(self):
        return (self.running.stack.directory / "logs" / "worker-1.log").read_text(errors="replace")

    async def send(self):
        """Send the next transactions."""
        brokers = self.running.environment["FRAUD_KAFKA__BROKERS"]
        await send_kafka(brokers, self.traffic[self.sent : self.sent + EACH], rate=150)
        self.sent += EACH

    async def all_decided(self):
        """Wait until all is decided and stored, and nothing is left to repair."""
        await wait_until_stored(self.running.environment["FRAUD_POSTGRES__DSN"], self.sent)
        async with clients_of(self.running.addresses) as [client]:
            await until(lambda: client.get("/health"), lambda answer: answer.body["status"] == "ok")

    async def restarted_after(self, damage):
        """Kill the worker, do damage before it is started again, and send meanwhile."""
        self.worker.process.kill()
        damage()
        await asyncio.gather(self.send(), asyncio.to_thread(self.worker.wait_ready_again))
        await self.all_decided()

    async def faults(self):
        audited = await audit_delivery(
            self.running.environment,
            [labelled.transaction for labelled in self.traffic[: self.sent]],
            by_occurred=True,
        )
        return audited.faults


def flip(file):
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    file.write_bytes(content)


def newest(directory, pattern):
    return sorted(directory.glob(pattern))[-1]


def cut(file, size):
    os.truncate(file, max(file.stat().st_size - size, 0))


@pytest.fixture
async def shop():
    running = await asyncio.to_thread(
        Cluster, "test-damage", 1, lambda _: None, FRAUD_STREAM__CLOCK="occurred"
    )
    try:
        yield Shop(running)
    finally:
        await asyncio.to_thread(running.stop)


async def test_a_worker_mends_its_databases_and_its_changelog(shop):
    await shop.send()
    await shop.all_decided()

    def while_it_is_opened():
        flip(newest(shop.database(0), "MANIFEST-*"))
        (shop.database(1) / "CURRENT").unlink()
        newest(shop.database(2), "MANIFEST-*").unlink()
        cut(newest(shop.database(3), "*.log"), 500)

    await shop.restarted_after(while_it_is_opened)
    assert [len(shop.moved_aside(partition)) for partition in range(4)] == [1, 1, 1, 0]
    assert "database_rebuilt" in shop.log()

    def when_it_is_read():
        flip(newest(shop.database(3), "*.sst"))
        shutil.rmtree(shop.database(0))
        shop.database(0).mkdir()
        shutil.rmtree(shop.database(1))
        shop.database(1).write_text("not a database")

    await shop.restarted_after(when_it_is_read)
    await until(lambda: asyncio.to_thread(shop.moved_aside, 3))
    assert [len(shop.moved_aside(partition)) for partition in range(4)] == [1, 2, 1, 1]

    await shop.send()
    await shop.all_decided()
    shop.worker.process.kill()
    await delete_changelog(shop.running.environment["FRAUD_KAFKA__BROKERS"])
    await asyncio.to_thread(shop.worker.wait_ready_again)
    assert "rows_sent_to_the_changelog" in shop.log()
    await shop.send()
    await shop.all_decided()

    async with clients_of(shop.running.addresses) as [client]:
        kept = (await client.get("/metrics")).body
    assert "fraud_damaged_databases 5.0" in kept
    # The mirror follows the tables with a delay; whatever was lost stays so.
    await until(shop.faults, [].__eq__)


async def delete_changelog(brokers):
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        await admin.delete_topics([CHANGELOG])
        await until(admin.list_topics, lambda topics: CHANGELOG not in topics)
    finally:
        await admin.close()
