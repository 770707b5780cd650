"""What the servers and a worker hold: bytes by store, memory, and how long a start takes."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
import urllib.request
from pathlib import Path

import asyncpg
import redis

from devtools.stack.services import Service, ready
from devtools.stack.stack import Stack

PAGE = os.sysconf("SC_PAGE_SIZE")
RECOVERY_S = 900.0


def stored(stack: Stack) -> dict[str, float]:
    """Bytes by store: Kafka's logs by topic, Redis's memory and traffic, PostgreSQL's database."""
    found: dict[str, float] = {}
    for partition in (stack.directory / "kafka" / "data").iterdir():
        topic, dash, number = partition.name.rpartition("-")
        if dash and number.isdigit() and not topic.startswith("__"):
            size = sum(log.stat().st_size for log in partition.glob("*.log"))
            found[f"kafka {topic}"] = found.get(f"kafka {topic}", 0) + size
    environment = stack.environment()
    client = redis.from_url(environment["FRAUD_REDIS__URL"])
    info = client.info()
    client.close()
    found["redis memory"] = info["used_memory"]
    found["redis traffic"] = info["total_net_input_bytes"] + info["total_net_output_bytes"]
    found["postgres"] = asyncio.run(_database_bytes(environment["FRAUD_POSTGRES__DSN"]))
    return found


def per(after: dict[str, float], before: dict[str, float], count: int) -> dict[str, int]:
    """What was added, by unit."""
    return {name: round((size - before.get(name, 0)) / count) for name, size in after.items()}


def seconds_to_ready(service: Service) -> float:
    """Start it and wait until it is ready. Raises `StartFailed`."""
    started = time.monotonic()
    service.start()
    assert service.process is not None  # noqa: S101
    service.process.wait_until(lambda: ready(service.port), RECOVERY_S)
    return time.monotonic() - started


def of_users(stack: Stack, service: Service, count: int) -> dict[str, float]:
    """Memory and disk of a worker that holds so many users, once the mirror in Redis has them too."""
    assert service.process is not None  # noqa: S101
    started = time.monotonic()
    while (
        _metric(service.port, "fraud_mirror_rows") < count
        and time.monotonic() - started < RECOVERY_S
    ):
        time.sleep(0.5)
    resident = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]) * PAGE
    tables = stack.directory / service.name
    disk = sum(file.stat().st_size for file in tables.rglob("*") if file.is_file())
    return {
        "mirror_s": time.monotonic() - started,
        "worker_mib": resident / 2**20,
        "tables_mib": disk / 2**20,
        "redis_mib": stored(stack)["redis memory"] / 2**20,
    }


def forget_tables(stack: Stack) -> None:
    """As after the loss of a worker's disk."""
    for tables in stack.directory.glob("worker-*"):
        shutil.rmtree(tables)


def _metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(
        (float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0
    )


async def _database_bytes(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        size: int = await connection.fetchval("select pg_database_size(current_database())")
        return size
    finally:
        await connection.close()
