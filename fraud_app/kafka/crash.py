"""The way out when nothing may be acknowledged any more: the process ends, and the supervisor
starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any, NoReturn

log = logging.getLogger(__name__)

EXIT_CODE = 70
"""EX_SOFTWARE: the supervisor starts the process again and Kafka delivers what was not
acknowledged.
"""


def end_process(reason: str, error: BaseException | None = None) -> NoReturn:
    """End the process at once, without acknowledging or committing anything."""
    log.critical("worker_dies", extra={"reason": reason}, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_CODE)


def log_tasks() -> None:
    """Log where every task of this loop waits."""
    for task in asyncio.all_tasks():
        where = [
            f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in task.get_stack(limit=3)
        ]
        log.critical(
            "task",
            extra={
                "task": task.get_name(),
                "coroutine": repr(task.get_coro())[:120],
                "where": where,
            },
        )


def end_process_with(task: asyncio.Task[Any], reason: str) -> None:
    """End the process when a background task fails."""

    def ended(done: asyncio.Task[Any]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            end_process(reason, error)

    task.add_done_callback(ended)
