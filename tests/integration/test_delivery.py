"""The delivery guarantee: workers are killed with SIGKILL under load, and no transaction is lost,
counted twice or decided again with another result.
"""

import asyncio

from devtools.audit.audit import audit_delivery
from devtools.audit.check_delivery import generate_traffic, send_http, send_kafka, wait_until_stored
from devtools.stack.test_cluster import Cluster, kill_workers
from tests.support.api_client import until


async def test_killed_workers_lose_nothing_and_count_nothing_twice():
    generated = generate_traffic(5000, seed=8)
    transactions = [labelled.transaction for labelled in generated]
    log = []
    running = await asyncio.to_thread(
        Cluster, "test-delivery", 1, log.append, FRAUD_STREAM__CLOCK="occurred"
    )

    async def audited():
        return await audit_delivery(running.environment, transactions, by_occurred=True)

    try:
        killing = asyncio.create_task(kill_workers(running, 3, 3.5, 8, log.append))
        await send_http(running.addresses, generated[:500])
        await send_kafka(running.environment["FRAUD_KAFKA__BROKERS"], generated[500:], rate=280)
        await killing
        await wait_until_stored(running.environment["FRAUD_POSTGRES__DSN"], len(generated))
        # The mirror follows the tables with a delay: audit again until it has caught up. Whatever
        # was lost or counted twice stays so.
        result = await until(audited, lambda result: result.faults == [])
    finally:
        await asyncio.to_thread(running.stop)
    assert result.faults == []
    assert result.stored == result.scored == len(generated)
    assert result.features_equal == result.features_compared > 0
    assert sum("kill -9" in line for line in log) == 3
