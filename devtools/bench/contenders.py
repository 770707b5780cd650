"""The systems that `scripts/bench` compares, and how each is started. Ours runs as in production,
with the sinks beside the worker.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devtools.bench.load import Route
from devtools.bench.resource_usage import resident_bytes
from devtools.stack import ports
from devtools.stack.process import ServerProcess
from devtools.stack.services import Service, sinks_service, worker_service
from fraud_app import topics
from fraud_app.settings import ROOT

BENCH_PYTHON = ROOT / ".fraud" / "bench-venv" / "bin" / "python"
PARTITIONS = 4  # of every contender's topics, as `kafka.partitions` of ours
OURS = "fraud-app"
USUAL = "usual design"
PASS_THROUGH = "pass-through"  # noqa: S105 - a name, not a password
STOP_S = 20
_CPU_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Contender:
    """A system that reads transactions from one topic and writes decisions to another."""

    def __init__(self, name: str, route: Route, start: Callable[[], list[ServerProcess]]) -> None:
        self.name, self.route, self._start = name, route, start
        self.processes: list[ServerProcess] = []
        self.address: str | None = None
        """The URL of its `/score`, when it has one."""

    def start(self) -> None:
        """Start its processes. Raises `StartFailed`."""
        self.processes = self._start()

    def stop(self) -> None:
        """Stop its processes."""
        for process in self.processes:
            process.stop(STOP_S)
        self.processes = []

    def send_signal(self, number: int) -> None:
        """Send SIGSTOP or SIGCONT to all its processes."""
        for process in self.processes:
            os.kill(process.pid, number)

    def cpu_s(self) -> float:
        """The CPU-seconds that its processes have used."""
        return sum(cpu_s(process.pid) for process in self.processes)

    def resident_mib(self) -> float:
        """The physical memory of its processes, in MiB."""
        return sum(resident_bytes(process.pid) for process in self.processes) / 2**20


def cpu_s(pid: int) -> float:
    """User and system time of a process with all its threads, in seconds. Linux only."""
    # The name of the program, in brackets, may hold spaces: the fields are counted from its end.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user_ticks, system_ticks = int(fields[11]), int(fields[12])
    return (user_ticks + system_ticks) / _CPU_TICKS_PER_S


def all_contenders(environment: Mapping[str, str], directory: Path) -> list[Contender]:
    """Our system first, then the others, and the pass-through last.

    `environment`: the settings with the servers' addresses. `directory`: for state and logs.
    """
    redis_url = environment["FRAUD_REDIS__URL"].removesuffix("/0")
    return [
        _ours(environment, directory),
        _usual_design(environment, directory, f"{redis_url}/1"),
        _quix_streams(environment, directory, f"{redis_url}/2"),
        _naive_faust(environment, directory, f"{redis_url}/3"),
        _pass_through(environment, directory),
    ]


def _ours(environment: Mapping[str, str], directory: Path) -> Contender:
    port = ports.any_free()
    route = Route(environment["FRAUD_KAFKA__BROKERS"], topics.RAW, topics.SCORED)
    contender = Contender(OURS, route, lambda: start_ours(environment, directory, [port]))
    contender.address = f"http://127.0.0.1:{port}/score"
    return contender


def _usual_design(environment: Mapping[str, str], directory: Path, redis_url: str) -> Contender:
    port = ports.any_free()
    route = _bench_route(environment, "usual")
    dsn = environment["FRAUD_POSTGRES__DSN"]
    arguments = [str(port), route.brokers, redis_url, dsn, route.source, route.sink]
    contender = Contender(USUAL, route, lambda: _start_peer("usual", arguments, directory))
    contender.address = f"http://127.0.0.1:{port}/score"
    return contender


def _quix_streams(environment: Mapping[str, str], directory: Path, redis_url: str) -> Contender:
    route = _bench_route(environment, "quix")
    arguments = [route.brokers, redis_url, route.source, route.sink, _state(directory, "quix")]
    return Contender("Quix Streams", route, lambda: _start_peer("quix", arguments, directory))


def _naive_faust(environment: Mapping[str, str], directory: Path, redis_url: str) -> Contender:
    route = _bench_route(environment, "faust")
    arguments = [route.brokers, redis_url, route.source, route.sink, _state(directory, "faust")]
    return Contender("naive Faust", route, lambda: _start_peer("naive_faust", arguments, directory))


def _pass_through(environment: Mapping[str, str], directory: Path) -> Contender:
    route = _bench_route(environment, "plain")
    return Contender(
        PASS_THROUGH,
        route,
        lambda: _start_peer("pass_through", list(route), directory, python=sys.executable),
    )


def _bench_route(environment: Mapping[str, str], name: str) -> Route:
    """The topics of a contender other than ours."""
    return Route(environment["FRAUD_KAFKA__BROKERS"], f"bench.{name}.in", f"bench.{name}.out")


def _state(directory: Path, name: str) -> str:
    """The directory for a contender's tables; it is created when the contender is described."""
    path = directory / name
    path.mkdir(parents=True, exist_ok=True)
    return str(path)


def _start_peer(
    module: str, arguments: list[str], directory: Path, python: str | Path = BENCH_PYTHON
) -> list[ServerProcess]:
    """Start a module of `devtools.bench.peers`, without its warnings."""
    process = ServerProcess(
        module,
        [python, "-W", "ignore", "-m", f"devtools.bench.peers.{module}", *arguments],
        directory / "logs" / f"{module}.log",
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    return [process]


def start_ours(
    environment: Mapping[str, str], directory: Path, worker_ports: Sequence[int]
) -> list[ServerProcess]:
    """Start a worker on each of the ports, and the sinks; returns when the workers are ready.

    The workers come first in the result. Raises `StartFailed`.
    """
    workers: list[Service] = [
        worker_service(number, environment, directory, port)
        for number, port in enumerate(worker_ports, 1)
    ]
    services = [*workers, sinks_service(environment, directory)]
    for service in services:
        service.start()
    for service in workers:
        service.wait_ready()
    return [service.process for service in services if service.process]
