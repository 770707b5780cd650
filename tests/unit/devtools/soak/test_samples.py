import os
import random

import pytest

from devtools.soak.samples import Sample, growth, sample

WARM_UP_S = 300.0


def samples(mib_per_minute, *, noise_mib=0.0, new_descriptors=0):
    """Twenty minutes, with a fast growth in the warm-up that must not count."""
    rng = random.Random(1)
    return [
        Sample(
            second,
            200
            + min(second, WARM_UP_S) / 3
            + mib_per_minute * second / 60
            + rng.gauss(0, noise_mib),
            50 + (new_descriptors if second > 800 else 0),
        )
        for second in range(0, 1200, 5)
    ]


@pytest.mark.parametrize(
    ("mib_per_minute", "new_descriptors", "is_flat"),
    [(0.0, 0, True), (0.5, 20, True), (-3.0, 0, True), (1.5, 0, False), (0.0, 21, False)],
)
def test_only_memory_and_descriptors_that_grow_after_the_warm_up_are_a_fault(
    mib_per_minute, new_descriptors, is_flat
):
    grown = growth(samples(mib_per_minute, noise_mib=2, new_descriptors=new_descriptors), WARM_UP_S)
    assert grown.is_flat is is_flat
    assert grown.mib_per_minute == pytest.approx(mib_per_minute, abs=0.2)
    assert grown.new_descriptors == new_descriptors


def test_a_warm_up_as_long_as_the_run_is_refused():
    with pytest.raises(ValueError, match="ten samples"):
        growth(samples(0), 1200)


def test_this_process_is_sampled():
    with open(os.devnull) as one_more:
        before = sample(os.getpid(), 0)
    after = sample(os.getpid(), 1)
    assert one_more.closed
    assert before.descriptors - after.descriptors == 1
    assert before.resident_mib > 10
