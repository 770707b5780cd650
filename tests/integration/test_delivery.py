"""The promise itself: workers killed with SIGKILL under load, and nothing lost, counted twice or
decided anew.
"""

import asyncio

from devtools.audit.audit import audit
from devtools.audit.check_delivery import send_http, send_kafka, settled, traffic
from devtools.stack.test_cluster import Cluster, kill_workers


async def test_killed_workers_lose_nothing_and_count_nothing_twice():
    made = traffic(5000, seed=8)
    said = []
    running = await asyncio.to_thread(
        Cluster, "test-delivery", 1, said.append, FRAUD_STREAM__CLOCK="occurred"
    )
    try:
        killing = asyncio.create_task(kill_workers(running, 3, 3.5, 8, said.append))
        await send_http(running.addresses, made[:500])
        await send_kafka(running.environment["FRAUD_KAFKA__BROKERS"], made[500:], rate=280)
        await killing
        await settled(running.environment["FRAUD_POSTGRES__DSN"], len(made))
        found = await audit(
            running.environment, [one.transaction for one in made], by_occurred=True
        )
    finally:
        await asyncio.to_thread(running.stop)
    assert found.faults == []
    assert found.stored == found.scored == len(made)
    assert found.features_equal == found.features_compared > 0
    assert sum("kill -9" in line for line in said) == 3
