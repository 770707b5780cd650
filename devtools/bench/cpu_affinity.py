"""Pins one process to a CPU core and those it works with to the other cores, as `CPUAffinity` of
systemd does. Linux only; elsewhere `usable_cores` is empty and nothing may be pinned.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from devtools.stack.process import process_tree


def usable_cores() -> list[int]:
    """The cores that this process may use, in order; empty where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def pin_apart(pid: int, others: Sequence[int]) -> Iterator[None]:
    """Pin `pid` to the first core and `others` to the remaining cores, until the block ends.

    The descendants of a process are pinned with it. Needs at least two cores.
    """
    first, *rest = usable_cores()
    pin_to_cores(pid, [first])
    for other in others:
        pin_to_cores(other, rest)
    try:
        yield
    finally:
        for pinned in (pid, *others):
            pin_to_cores(pinned, [first, *rest])


def pin_to_cores(pid: int, cores: Iterable[int]) -> None:
    """Keep every thread of a process and of its descendants on these cores.

    What they start later stays there, too. A process that ended is no error.
    """
    allowed = set(cores)
    for member in process_tree(pid):
        for thread in Path(f"/proc/{member}/task").glob("*"):
            with suppress(ProcessLookupError):  # the thread ended meanwhile
                os.sched_setaffinity(int(thread.name), allowed)
