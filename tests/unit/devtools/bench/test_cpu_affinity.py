"""A process and its descendants are kept on their cores, and released again."""

import os
import subprocess
from pathlib import Path

import pytest

from devtools.bench import cpu_affinity

pytestmark = pytest.mark.skipif(
    len(cpu_affinity.usable_cores()) < 2, reason="a machine with one core"
)


@pytest.fixture
def shell_and_child():
    """The ids of a shell and of a child process that the shell waits for."""
    with subprocess.Popen(
        ["bash", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as shell:
        child = int(shell.stdout.readline())
        try:
            yield shell.pid, child
        finally:
            os.kill(child, 9)


def test_a_process_has_a_core_for_itself_and_others_the_rest_until_the_block_ends(shell_and_child):
    shell, child = shell_and_child
    first, *rest = cpu_affinity.usable_cores()
    with subprocess.Popen(["sleep", "600"]) as alone:
        try:
            with cpu_affinity.pin_apart(alone.pid, [shell]):
                assert os.sched_getaffinity(alone.pid) == {first}
                assert os.sched_getaffinity(shell) == os.sched_getaffinity(child) == set(rest)
            for pid in (alone.pid, shell, child):
                assert os.sched_getaffinity(pid) == {first, *rest}
        finally:
            alone.kill()


def test_a_process_that_ended_is_ignored():
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert not Path(f"/proc/{ended.pid}").exists()
    cpu_affinity.pin_to_cores(ended.pid, cpu_affinity.usable_cores())
