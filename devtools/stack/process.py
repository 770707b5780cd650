"""Child processes that end with us: own session, own log file, SIGTERM first and SIGKILL only when
that did not help.
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

_PR_SET_PDEATHSIG = 1
_LOOK_S = 1.0


class StartFailed(Exception):
    """A server did not come up; the message ends with the last lines of its log."""


class ServerProcess:
    """A started program. `stop` is safe to call twice. `niceness`: 10 has a tenth of the weight of
    0, for what it starts, too.
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
                [str(part) for part in command],
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
            threading.Thread(target=self._stay_nice, args=(niceness,), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Raise `StartFailed` when the process ends or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise StartFailed(
                    f"{self.name} ended with code {self.exit_code}. {self.last_words()}"
                )
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.name} was not ready after {seconds:.0f} s. {self.last_words()}"
                )
            time.sleep(0.05)

    def last_words(self, lines: int = 12) -> str:
        text = (
            self.log.read_text(errors="replace").splitlines()[-lines:] if self.log.exists() else []
        )
        return f"Log {self.log}:\n  " + "\n  ".join(text)

    def send_signal(self, number: signal.Signals) -> None:
        if self.exit_code is None:
            self._popen.send_signal(number)

    def stop(self, seconds: float = 15.0, first: signal.Signals = signal.SIGTERM) -> None:
        """End the process and what it started."""
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

    def _stay_nice(self, niceness: int) -> None:
        """Linux shares the processor among sessions by this figure; between them a process's own
        niceness says nothing. Again and again, since PostgreSQL makes a session of each of its
        processes, with a full share."""
        while self.exit_code is None:
            for pid in family(self.pid):
                group = Path(f"/proc/{pid}/autogroup")
                # It ended, the kernel has no such groups, or it takes one change in 0.1 s of those
                # who are not root.
                with suppress(OSError):
                    if not group.read_text().endswith(f" nice {niceness}\n"):
                        group.write_text(str(niceness))
            time.sleep(_LOOK_S)


def family(pid: int) -> Iterator[int]:
    """A process and all that it started, as far as they live. Linux only."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # it ended meanwhile
            children = (thread / "children").read_text().split()
            for child in children:
                yield from family(int(child))


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
