"""Faults that happen to a running cluster, each with its end. A fault returns when what it broke is
allowed to work again; how long the system needs then is measured by the caller.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import asyncpg
import redis.asyncio as redis

from devtools.stack.process import Freezer, ServerProcess
from devtools.stack.services import Service
from devtools.stack.test_cluster import Cluster

FREEZE_S = 20.0
"""Twice the session timeout: the group gives the partitions of a frozen worker away."""
AWAY_S = 15.0
"""How long a server stays away: longer than every deadline, shorter than a run."""
LONG_AWAY_S = 75.0
"""Longer than every watchdog waits for anything but a server."""

SERVERS = ("kafka", "redis", "postgres")

Fault = Callable[[Cluster, random.Random], Awaitable[str]]
"""Does harm and undoes it; returns what exactly was done."""


async def kill_worker(cluster: Cluster, rng: random.Random) -> str:
    """kill -9 of a worker; its supervisor starts it again."""
    return await _kill(rng.choice(cluster.workers))


async def kill_all_workers(cluster: Cluster, _: random.Random) -> str:
    """kill -9 of every worker at the same moment."""
    return ", ".join([await _kill(worker) for worker in cluster.workers])


async def kill_sinks(cluster: Cluster, _: random.Random) -> str:
    """kill -9 of storage and feed."""
    return await _kill(cluster.sinks)


async def freeze_worker(cluster: Cluster, rng: random.Random) -> str:
    """SIGSTOP for longer than the session timeout, then SIGCONT: the worker was taken for dead."""
    worker = rng.choice(cluster.workers)
    await _freeze(worker.process, FREEZE_S)
    return f"{worker.name} for {FREEZE_S:.0f} s"


async def freeze_sinks(cluster: Cluster, _: random.Random) -> str:
    """SIGSTOP of storage and feed, for as long."""
    await _freeze(cluster.sinks.process, FREEZE_S)
    return f"sinks for {FREEZE_S:.0f} s"


async def kill_broker(cluster: Cluster, _: random.Random) -> str:
    """kill -9 of the only broker, away for 15 s."""
    return await _kill_servers(cluster, "kafka")


async def kill_redis(cluster: Cluster, _: random.Random) -> str:
    """kill -9 of Redis, whose data is gone when it comes back after 15 s."""
    return await _kill_servers(cluster, "redis")


async def kill_postgres(cluster: Cluster, _: random.Random) -> str:
    """kill -9 of PostgreSQL, away for 15 s."""
    return await _kill_servers(cluster, "postgres")


async def lose_all_servers(cluster: Cluster, _: random.Random) -> str:
    """kill -9 of broker, Redis and PostgreSQL together, away for more than a minute."""
    return await _kill_servers(cluster, *SERVERS, seconds=LONG_AWAY_S)


async def freeze_broker(cluster: Cluster, _: random.Random) -> str:
    """The only broker keeps its connections and answers nobody, for twice the session timeout."""
    await _freeze(cluster.stack.kafka, FREEZE_S)
    return f"for {FREEZE_S:.0f} s"


async def freeze_redis(cluster: Cluster, _: random.Random) -> str:
    """Redis keeps its connections and answers nobody."""
    await _freeze(cluster.stack.redis, AWAY_S)
    return f"for {AWAY_S:.0f} s"


async def freeze_postgres(cluster: Cluster, _: random.Random) -> str:
    """PostgreSQL and its backends keep their connections and answer nobody."""
    await _freeze(cluster.stack.postgres, AWAY_S)
    return f"for {AWAY_S:.0f} s"


async def empty_redis(cluster: Cluster, _: random.Random) -> str:
    """FLUSHALL: the mirror and the signals across users are gone."""
    client = redis.from_url(cluster.environment["FRAUD_REDIS__URL"])
    try:
        await client.flushall()
    finally:
        await client.aclose()
    return "FLUSHALL"


async def read_only_postgres(cluster: Cluster, _: random.Random) -> str:
    """PostgreSQL refuses to write, as after a fail-over to a replica that is not promoted yet."""
    connection = await asyncpg.connect(cluster.environment["FRAUD_POSTGRES__DSN"])
    try:
        await connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await connection.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(AWAY_S)
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
    return f"for {AWAY_S:.0f} s"


async def nothing(_: Cluster, __: random.Random) -> str:
    """No fault: what the others are compared with."""
    await asyncio.sleep(AWAY_S)
    return "quiet"


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        nothing,
        kill_worker,
        kill_all_workers,
        kill_sinks,
        freeze_worker,
        freeze_sinks,
        kill_broker,
        freeze_broker,
        kill_redis,
        freeze_redis,
        empty_redis,
        kill_postgres,
        freeze_postgres,
        read_only_postgres,
        lose_all_servers,
    )
}


async def _kill(service: Service) -> str:
    if service.process:
        service.process.kill()
    return service.name


async def _kill_servers(cluster: Cluster, *names: str, seconds: float = AWAY_S) -> str:
    for name in names:
        await asyncio.to_thread(cluster.stack.kill, name)
    await asyncio.sleep(seconds)
    for name in names:
        await asyncio.to_thread(cluster.stack.start_again, name)
    return f"away for {seconds:.0f} s"


async def _freeze(process: ServerProcess | None, seconds: float) -> None:
    freezer = Freezer()
    freezer.freeze(process)
    try:
        await asyncio.sleep(seconds)
    finally:
        freezer.thaw()
