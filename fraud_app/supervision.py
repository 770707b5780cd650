"""Background tasks that fail are started again; they must never take their process with them.

A failure is logged, counted, and shown in health until the task has run well for a while.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fraud_app import metrics

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Doubled with each failure: a task that fails at once must not use the processor up."""
RECOVERED_S = 120.0
"""Without a failure for so long, a task counts as well again."""

Task = Callable[[], Awaitable[None]]

failing: dict[str, str] = {}
"""Tasks that failed lately, with the class of the exception."""
standing_still: dict[str, str] = {}
"""Parts of this process that make no progress, with the reason in words."""


def standstill_of(role: str) -> str:
    """Why a part of this role (scoring, storage, feed) makes no progress; empty while all do."""
    return "; ".join(reason for part, reason in standing_still.items() if part.split()[0] == role)


def supervised(app: Any, function: Task) -> Task:
    """Run a function as a task of the application, and again whenever it fails."""
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

    @functools.wraps(function)
    async def run() -> None:
        await keep_running(name, function)

    app.task(run)
    return function


async def keep_running(
    name: str, function: Task, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
) -> None:
    """Run a function until it returns; when it fails, wait longer each time and run it again."""
    pause = FIRST_PAUSE_S
    while True:
        started = time.monotonic()
        watching = asyncio.ensure_future(_recover(name))
        try:
            await function()
        except Exception as error:
            failing[name] = type(error).__name__
            metrics.TASK_FAILURES.labels(name).inc()
            log.exception("background_task_failed", extra={"task": name})
            if time.monotonic() - started > RECOVERED_S:
                pause = FIRST_PAUSE_S
            await sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        else:
            failing.pop(name, None)
            return
        finally:
            watching.cancel()


async def _recover(name: str) -> None:
    await asyncio.sleep(RECOVERED_S)
    failing.pop(name, None)
