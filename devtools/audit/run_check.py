"""Runs a check on a cluster of its own, and ends the process with what came out."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

from devtools.audit.result import AuditResult
from devtools.stack.test_cluster import Cluster, Say


def run_check(
    name: str, workers: int, check: Callable[[Cluster, Say], Awaitable[AuditResult]]
) -> NoReturn:
    """Start a cluster, check it, stop it, and exit with 1 when there is a fault.

    `name`: the directory of its data. Each line is printed with the seconds since the start.
    """
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", flush=True)

    async def checked() -> AuditResult:
        return await check(cluster, say)

    cluster = Cluster(name, workers, say, FRAUD_STREAM__CLOCK="occurred")
    try:
        result = asyncio.run(checked())
    finally:
        cluster.stop()
    sys.exit(1 if result.faults else 0)
