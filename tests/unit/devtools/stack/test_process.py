import os
import signal
from pathlib import Path

import pytest

from devtools.stack.process import ServerProcess, process_tree

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(),
    reason="a kernel that does not share the processor among sessions",
)


def test_niceness_also_reaches_a_child_in_a_session_of_its_own(tmp_path):
    """The processes of PostgreSQL have sessions of their own."""
    process = ServerProcess(
        "shell", ["bash", "-c", "setsid sleep 600 & wait"], tmp_path / "log", niceness=10
    )
    try:
        process.wait_until(
            lambda: len({_autogroup(pid) for pid in process_tree(process.pid)}) == 2, 10
        )
        process.wait_until(
            lambda: all(_autogroup(pid).endswith(" nice 10") for pid in process_tree(process.pid)),
            10,
        )
    finally:
        for pid in list(process_tree(process.pid)):
            os.kill(pid, signal.SIGKILL)
        process.stop()


def _autogroup(pid: int) -> str:
    return Path(f"/proc/{pid}/autogroup").read_text().strip()
