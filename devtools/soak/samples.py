"""What a process uses over time, and how fast that grows. Pure but for reading `/proc`."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from devtools.bench.resource_usage import resident_bytes

MIB = 2**20
MOST_MIB_PER_MINUTE = 1.0
"""Growth above this is a leak: it would fill a small machine within a day."""
MOST_NEW_DESCRIPTORS = 20
"""More are open at the end than after the warm-up: connections of a pool that fills later are not
many.
"""


class Sample(NamedTuple):
    """What one process uses at one moment."""

    seconds: float
    """Since the load began."""
    resident_mib: float
    descriptors: int


class Growth(NamedTuple):
    """How the use of a process changed after the warm-up."""

    mib_per_minute: float
    """Slope of a straight line through all samples, by least squares."""
    first_mib: float
    last_mib: float
    new_descriptors: int
    """Median of the last tenth minus that of the first."""

    @property
    def is_flat(self) -> bool:
        """Whether neither memory nor descriptors grew by more than is allowed."""
        return (
            self.mib_per_minute < MOST_MIB_PER_MINUTE
            and self.new_descriptors <= MOST_NEW_DESCRIPTORS
        )


def sample(pid: int, seconds: float) -> Sample:
    """What a process uses now. Linux only. Raises `OSError` when it has ended."""
    descriptors = os.listdir(f"/proc/{pid}/fd")
    return Sample(seconds, resident_bytes(pid) / MIB, len(descriptors))


def growth(samples: Sequence[Sample], warm_up_s: float) -> Growth:
    """The growth after the warm-up. Raises `ValueError` with fewer than ten samples of it.

    >>> steady = [Sample(second, 100 + second / 60, 8) for second in range(0, 600, 10)]
    >>> growth(steady, 60)
    Growth(mib_per_minute=1.0, first_mib=101.0, last_mib=109.83, new_descriptors=0)
    """
    measured = [each for each in samples if each.seconds >= warm_up_s]
    if len(measured) < 10:
        raise ValueError("fewer than ten samples after the warm-up")
    line = statistics.linear_regression(
        [each.seconds / 60 for each in measured], [each.resident_mib for each in measured]
    )
    tenth = len(measured) // 10
    first, last = measured[:tenth], measured[-tenth:]
    return Growth(
        round(line.slope, 3),
        round(measured[0].resident_mib, 2),
        round(measured[-1].resident_mib, 2),
        round(_median_descriptors(last) - _median_descriptors(first)),
    )


def _median_descriptors(samples: Sequence[Sample]) -> float:
    return statistics.median(each.descriptors for each in samples)
