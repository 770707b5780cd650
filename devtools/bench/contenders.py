"""Who takes part in `scripts/bench`, and how each is started. Ours runs as in production, with the
sinks beside the worker.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devtools.stack import ports
from devtools.stack.process import ServerProcess
from devtools.stack.services import Service, sinks, worker
from fraud_app import topics
from fraud_app.settings import ROOT

BENCH_PYTHON = ROOT / ".fraud" / "bench-venv" / "bin" / "python"
PARTITIONS = 4
OURS = "fraud-app"
_TICKS = os.sysconf("SC_CLK_TCK")


class Contender:
    """Something that turns transactions of one topic into decisions on another."""

    def __init__(
        self, name: str, into: str, out: str, start: Callable[[], list[ServerProcess]]
    ) -> None:
        self.name, self.into, self.out, self._start = name, into, out, start
        self.processes: list[ServerProcess] = []
        self.address: str | None = None

    def start(self) -> None:
        self.processes = self._start()

    def stop(self) -> None:
        for process in self.processes:
            process.stop(20)
        self.processes = []

    def pause(self, signal: int) -> None:
        """SIGSTOP or SIGCONT to all of it."""
        for process in self.processes:
            os.kill(process.pid, signal)

    def cpu_s(self) -> float:
        """CPU-seconds that its processes have used."""
        return sum(cpu_s(process.pid) for process in self.processes)

    def resident_mib(self) -> float:
        pages = (
            int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            for process in self.processes
        )
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_s(pid: int) -> float:
    """User and system time of a process with its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def all_of(environment: Mapping[str, str], directory: Path) -> list[Contender]:
    """Ours first, then the others."""
    brokers, dsn = environment["FRAUD_KAFKA__BROKERS"], environment["FRAUD_POSTGRES__DSN"]
    redis_url = environment["FRAUD_REDIS__URL"].removesuffix("/0")
    logs, port = directory / "logs", ports.any_free()

    def peer(
        module: str, *arguments: str, python: str | Path = BENCH_PYTHON
    ) -> list[ServerProcess]:
        return [
            ServerProcess(
                module,
                [python, "-W", "ignore", "-m", f"devtools.bench.peers.{module}", *arguments],
                logs / f"{module}.log",
                env={"PYTHONPATH": str(ROOT)},
                cwd=ROOT,
            )
        ]

    def state(name: str) -> str:
        made = directory / name
        made.mkdir(parents=True, exist_ok=True)
        return str(made)

    usual_port = str(ports.any_free())
    we = Contender(OURS, topics.RAW, topics.SCORED, lambda: ours(environment, directory, [port]))
    we.address = f"http://127.0.0.1:{port}/score"
    usual = Contender(
        "usual design",
        "bench.usual.in",
        "bench.usual.out",
        lambda: peer(
            "usual", usual_port, brokers, f"{redis_url}/1", dsn, "bench.usual.in", "bench.usual.out"
        ),
    )
    usual.address = f"http://127.0.0.1:{usual_port}/score"
    return [
        we,
        usual,
        Contender(
            "Quix Streams",
            "bench.quix.in",
            "bench.quix.out",
            lambda: peer(
                "quix", brokers, f"{redis_url}/2", "bench.quix.in", "bench.quix.out", state("quix")
            ),
        ),
        Contender(
            "naive Faust",
            "bench.faust.in",
            "bench.faust.out",
            lambda: peer(
                "naive_faust",
                brokers,
                f"{redis_url}/3",
                "bench.faust.in",
                "bench.faust.out",
                state("faust"),
            ),
        ),
        Contender(
            "pass-through",
            "bench.plain.in",
            "bench.plain.out",
            lambda: peer(
                "pass_through", brokers, "bench.plain.in", "bench.plain.out", python=sys.executable
            ),
        ),
    ]


def ours(
    environment: Mapping[str, str], directory: Path, here: Sequence[int]
) -> list[ServerProcess]:
    """A worker on each of these ports, and the sinks, once all are ready."""
    workers: list[Service] = [
        worker(number, environment, directory, port) for number, port in enumerate(here, 1)
    ]
    services = [*workers, sinks(environment, directory)]
    for service in services:
        service.start()
    for service in workers:
        service.wait_ready()
    return [service.process for service in services if service.process]
