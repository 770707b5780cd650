"""Child processes that end with their parent: each has a session and a log file of its own. They
are stopped by SIGTERM, and by SIGKILL only when that did not help.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fraud_app.errors import FraudError

_PR_SET_PDEATHSIG = 1
"""From `linux/prctl.h`: the signal that a process gets when its parent ends."""
_NICENESS_CHECK_S = 1.0
"""New processes run with a full share for up to this long; the check reads a few files only."""


class StartFailed(FraudError):
    """A server did not start; the message ends with the last lines of its log."""


class ServerProcess:
    """A started program. `stop` may be called twice.

    `niceness` also applies to the processes that the program starts: one with 10 gets a tenth of
    the CPU time of one with 0.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | None = None,
        niceness: int = 0,
    ) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [str(argument) for argument in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=None if env is None else {**os.environ, **env},
                start_new_session=True,
                user=user,
                extra_groups=[] if user else None,
                cwd=cwd,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        if niceness:
            threading.Thread(target=self._keep_nice, args=(niceness,), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while the process runs."""
        return self._popen.poll()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`. Raises `StartFailed` when the process ends or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise StartFailed(
                    f"{self.name} ended with code {self.exit_code}. {self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.name} was not ready after {seconds:.0f} s. {self.log_tail()}"
                )
            time.sleep(0.05)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of the log, after its path."""
        tail = (
            self.log.read_text(errors="replace").splitlines()[-lines:] if self.log.exists() else []
        )
        return f"Log {self.log}:\n  " + "\n  ".join(tail)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it still runs."""
        if self.exit_code is None:
            self._popen.send_signal(number)

    def stop(self, seconds: float = 15.0, first: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal `first`, wait for the end, and kill the process group after `seconds`."""
        if self.exit_code is None:
            self._popen.send_signal(first)
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self._popen.wait()

    def kill(self) -> None:
        """SIGKILL to the process and its group."""
        if self.exit_code is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()

    def _keep_nice(self, niceness: int) -> None:
        """Set the autogroup niceness of the process and all its descendants, again and again.

        Linux shares the CPU among sessions by this figure; between sessions the niceness of a
        process has no effect. It is repeated because PostgreSQL gives each of its processes a
        session of its own, with a full share.
        """
        while self.exit_code is None:
            for pid in process_tree(self.pid):
                autogroup = Path(f"/proc/{pid}/autogroup")
                # The process ended, the kernel has no autogroups, or it refuses a second change
                # within 0.1 s by a user who is not root.
                with suppress(OSError):
                    if not autogroup.read_text().endswith(f" nice {niceness}\n"):
                        autogroup.write_text(str(niceness))
            time.sleep(_NICENESS_CHECK_S)


class Freezer:
    """Freezes processes: they answer nobody, while their connections stay open."""

    def __init__(self) -> None:
        self._frozen: list[int] = []

    def freeze(self, process: ServerProcess | None) -> None:
        """Freeze a process and all that it started. Raises `ValueError` when it was not started."""
        if process is None:
            raise ValueError("a process that was not started cannot be frozen")
        # `process_tree` lists the children of a process only when it is asked for the next one: by
        # then the process is frozen and can start no other.
        for pid in process_tree(process.pid):
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGSTOP)
                self._frozen.append(pid)

    def thaw(self) -> None:
        """Let all of them go on, children first."""
        while self._frozen:
            with suppress(ProcessLookupError):
                os.kill(self._frozen.pop(), signal.SIGCONT)


def process_tree(pid: int) -> Iterator[int]:
    """The ids of a process and all its living descendants. Linux only."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # the thread ended meanwhile
            children = (thread / "children").read_text().split()
            for child in children:
                yield from process_tree(int(child))


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
