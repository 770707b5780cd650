"""A processor core for one process and the others for what it works with, as `CPUAffinity` of
systemd does it. Linux only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from devtools.stack.process import family


def usable() -> list[int]:
    """The cores that this process may use; none where that cannot be told."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def apart(pid: int, others: Sequence[int]) -> Iterator[None]:
    """The process alone on the first core, the others with what they started on the rest, until the
    block ends.
    """
    first, *rest = usable()
    confine(pid, [first])
    for other in others:
        confine(other, rest)
    try:
        yield
    finally:
        for one in (pid, *others):
            confine(one, [first, *rest])


def confine(pid: int, cores: Iterable[int]) -> None:
    """Keep every thread of a process, and of those it started, on these cores. What they start
    later stays there, too.
    """
    allowed = set(cores)
    for one in family(pid):
        for thread in Path(f"/proc/{one}/task").glob("*"):
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.sched_setaffinity(int(thread.name), allowed)
