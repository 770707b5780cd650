"""A process and what it started are kept on their cores, and let go again."""

import os
import subprocess
from pathlib import Path

import pytest

from devtools.bench import cpu_affinity

pytestmark = pytest.mark.skipif(len(cpu_affinity.usable()) < 2, reason="a machine with one core")


@pytest.fixture
def started():
    """A shell that waits for a child of its own; both identities."""
    with subprocess.Popen(
        ["bash", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as shell:
        child = int(shell.stdout.readline())
        try:
            yield shell.pid, child
        finally:
            os.kill(child, 9)


def test_one_has_a_core_for_itself_and_others_the_rest_until_the_block_ends(started):
    shell, child = started
    first, *rest = cpu_affinity.usable()
    with subprocess.Popen(["sleep", "600"]) as alone:
        try:
            with cpu_affinity.apart(alone.pid, [shell]):
                assert os.sched_getaffinity(alone.pid) == {first}
                assert os.sched_getaffinity(shell) == os.sched_getaffinity(child) == set(rest)
            assert {tuple(os.sched_getaffinity(one)) for one in (alone.pid, shell, child)} == {
                (first, *rest)
            }
        finally:
            alone.kill()


def test_one_that_ended_is_left_alone():
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert not Path(f"/proc/{ended.pid}").exists()
    cpu_affinity.confine(ended.pid, cpu_affinity.usable())
