"""Ends the process when nothing may be acknowledged any more; the supervisor starts it again.

Kafka then delivers again whatever was not acknowledged. Nothing here may acknowledge or commit.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import NoReturn

log = logging.getLogger(__name__)

EXIT_CODE = 70
"""EX_SOFTWARE of `sysexits.h`: an internal error. The supervisor starts the process again."""


def end_process(reason: str, error: BaseException | None = None) -> NoReturn:
    """End the process at once, without acknowledging or committing anything."""
    log.critical("worker_dies", extra={"reason": reason}, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_CODE)


def log_tasks() -> None:
    """Log for every task of this event loop the lines at which it waits."""
    for task in asyncio.all_tasks():
        lines = [
            f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack(limit=3)
        ]
        log.critical(
            "task",
            extra={
                "task": task.get_name(),
                "coroutine": repr(task.get_coro())[:120],
                "where": lines,
            },
        )
