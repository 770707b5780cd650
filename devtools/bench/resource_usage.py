"""Measures what the servers and a worker use: bytes per store, memory, and the time of a start.

It reads files and counters only; the one exception is `delete_tables`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
import urllib.request
from pathlib import Path

import asyncpg
import redis

from devtools.stack.services import Service, is_ready
from devtools.stack.stack import Stack

PAGE = os.sysconf("SC_PAGE_SIZE")
RECOVERY_S = 900.0  # a million users are recovered and mirrored in minutes


def stored_bytes(stack: Stack) -> dict[str, float]:
    """Bytes by store: Kafka's logs by topic, Redis's memory and traffic, PostgreSQL's database."""
    sizes: dict[str, float] = {}
    for directory in (stack.directory / "kafka" / "data").iterdir():
        topic, dash, partition = directory.name.rpartition("-")
        if dash and partition.isdigit() and not topic.startswith("__"):
            log_bytes = sum(log.stat().st_size for log in directory.glob("*.log"))
            sizes[f"kafka {topic}"] = sizes.get(f"kafka {topic}", 0) + log_bytes
    environment = stack.environment()
    client = redis.from_url(environment["FRAUD_REDIS__URL"])
    info = client.info()
    client.close()
    sizes["redis memory"] = info["used_memory"]
    sizes["redis traffic"] = info["total_net_input_bytes"] + info["total_net_output_bytes"]
    sizes["postgres"] = asyncio.run(_database_bytes(environment["FRAUD_POSTGRES__DSN"]))
    return sizes


def growth_per_transaction(
    before: dict[str, float], after: dict[str, float], count: int
) -> dict[str, int]:
    """Bytes by store that each of `count` transactions added, rounded."""
    return {name: round((size - before.get(name, 0)) / count) for name, size in after.items()}


def seconds_to_ready(service: Service) -> float:
    """Start the worker and wait until it is ready. Raises `StartFailed`."""
    started = time.monotonic()
    service.start()
    assert service.process is not None  # noqa: S101
    service.process.wait_until(lambda: is_ready(service.port), RECOVERY_S)
    return time.monotonic() - started


def measure_memory(stack: Stack, service: Service, users: int) -> dict[str, float]:
    """Memory and disk (MiB) of a worker with the rows of so many users, once all are mirrored in
    Redis, and the seconds until then.
    """
    assert service.process is not None  # noqa: S101
    started = time.monotonic()
    while (
        _read_metric(service.port, "fraud_mirror_rows") < users
        and time.monotonic() - started < RECOVERY_S
    ):
        time.sleep(0.5)
    tables = stack.directory / service.name
    disk_bytes = sum(file.stat().st_size for file in tables.rglob("*") if file.is_file())
    return {
        "mirror_s": time.monotonic() - started,
        "worker_mib": resident_bytes(service.process.pid) / 2**20,
        "tables_mib": disk_bytes / 2**20,
        "redis_mib": stored_bytes(stack)["redis memory"] / 2**20,
    }


def resident_bytes(pid: int) -> int:
    """The physical memory of a process, without its children. Linux only."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def delete_tables(stack: Stack) -> None:
    """Delete the tables of all workers, as if their disk was lost. Only while they are stopped."""
    for tables in stack.directory.glob("worker-*"):
        shutil.rmtree(tables)


def _read_metric(port: int, name: str) -> float:
    """A metric without labels from `/metrics`; 0 when it is missing."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
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
