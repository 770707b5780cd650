"""The state of the running workers: tests that stop, freeze or add a process wait here until the
others have recovered, so that no test depends on the one before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from devtools.stack import ports, services
from devtools.stack.test_cluster import Cluster
from tests.support.api_client import ApiClient, until
from tests.support.history import PARTITIONS, everything_stored, fresh_in

RECOVERY_S = 120.0
"""A killed worker is noticed after a session timeout of 10 s and then starts in some seconds; on
two busy cores that takes several times as long."""


@asynccontextmanager
async def clients_of(addresses: Iterable[str]) -> AsyncIterator[list[ApiClient]]:
    """The API of each address."""
    async with AsyncExitStack() as stack:
        yield [
            ApiClient(await stack.enter_async_context(aiohttp.ClientSession(address)))
            for address in addresses
        ]


async def partitions_shared(clients: list[ApiClient]) -> None:
    """Wait until these workers are ready, with all they depend on, and own all partitions. Sends no
    transaction.
    """

    async def owned() -> list[int]:
        states = [(await client.get("/health")).body for client in clients]
        return [len(state["partitions"]) if state["status"] == "ok" else 0 for state in states]

    await until(owned, lambda counts: sum(counts) == PARTITIONS and all(counts), RECOVERY_S)


async def wait_until_steady(running: Cluster) -> None:
    """Wait until the workers share the partitions, a decision of each one reaches the other through
    the feed, and the history is up to date.
    """
    async with clients_of(running.addresses) as clients:
        await partitions_shared(clients)

        async def statuses() -> list[int]:
            answers = [
                await client.post("/api/transactions?wait=2000", fresh_in(partition))
                for partition in range(PARTITIONS)
                for client in clients
            ]
            return [answer.status for answer in answers]

        await until(statuses, lambda codes: set(codes) == {200}, RECOVERY_S)
        await everything_stored(clients[0])


@asynccontextmanager
async def extra_worker(running: Cluster, number: int, **settings: str) -> AsyncIterator[str]:
    """The address of one more worker with these settings. Partitions move to it and back, so on
    both ends this waits until the other workers are ready again.
    """
    environment = {**running.environment, **settings}
    worker = services.worker_service(number, environment, running.stack.directory, ports.any_free())
    worker.start()
    try:
        await asyncio.to_thread(worker.wait_ready)
        async with clients_of(running.addresses) as clients:
            for client in clients:
                await until(
                    lambda client=client: client.get("/readyz"),
                    lambda answer: answer.status == 200,
                    RECOVERY_S,
                )
        yield f"http://127.0.0.1:{worker.port}"
    finally:
        await asyncio.to_thread(worker.stop)
        await wait_until_steady(running)
