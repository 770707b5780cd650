"""Runs a check on a cluster of its own, and ends the process with what came out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from devtools.stack.say import Say, timed_say
from devtools.stack.test_cluster import Cluster

Check = Callable[[Cluster, Say], Awaitable[Sequence[str]]]
"""Checks a cluster; what it returns are the faults."""


def run_check(name: str, workers: int, check: Check) -> NoReturn:
    """Start a cluster, check it, stop it, and exit with 1 when there is a fault.

    `name`: the directory of its data. Each line is printed with the seconds since the start.
    """
    say = timed_say()

    async def checked() -> Sequence[str]:
        return await check(cluster, say)

    cluster = Cluster(name, workers, say, FRAUD_STREAM__CLOCK="occurred")
    try:
        faults = asyncio.run(checked())
    finally:
        cluster.stop()
    sys.exit(1 if faults else 0)
